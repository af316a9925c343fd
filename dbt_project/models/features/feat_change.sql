{%- set min_lines = var('min_lines_for_shares') %}

with

orders as (
    select
        as_of,
        customer_id,
        list_amount,
        discount_amount,
        {{ days_between('ordered_on', 'as_of') }} as age_days
    from {{ ref('feat_order') }}
    where is_valid and customer_id is not null and ordered_on >= as_of - 365
),

order_sums as (
    select
        as_of,
        customer_id,
        sum(list_amount) filter (where age_days <= 90) as list_90d,
        sum(discount_amount) filter (where age_days <= 90 and list_amount is not null) as discount_90d,
        sum(list_amount) filter (where age_days > 90) as list_before,
        sum(discount_amount) filter (where age_days > 90 and list_amount is not null) as discount_before,
        -- the days a year before the 90 that begin with as_of
        count(*) filter (where age_days > 275) as orders_coming_90d_year_ago
    from orders
    group by as_of, customer_id
),

category_sums as (
    select
        as_of,
        customer_id,
        sum(lines_90d) as lines_90d,
        sum(greatest(net_before_90d, 0)) as net_before,
        sum(greatest(net_before_90d, 0)) filter (where lines_90d = 0) as net_left,
        sum(repriced_lines_w) as repriced_lines,
        sum(price_change_sum) as price_change_sum
    from {{ ref('feat_customer_category') }}
    group by as_of, customer_id
),

customers as (
    select
        purchases.as_of,
        purchases.customer_id,
        round(cast(order_sums.discount_90d as double) / nullif(cast(order_sums.list_90d as double), 0), 4)
            as discount_share_90d,
        round(cast(order_sums.discount_before as double) / nullif(cast(order_sums.list_before as double), 0), 4)
            as discount_share_before_90d,
        case
            when category_sums.repriced_lines >= {{ min_lines }}
                then round(
                        cast(category_sums.price_change_sum as double)
                        / (1000.0 * cast(category_sums.repriced_lines as double)), 4
                    )
        end as basket_price_change,
        case
            when category_sums.lines_90d > 0 and category_sums.net_before > 0
                then round(
                        cast(coalesce(category_sums.net_left, 0) as double)
                        / cast(category_sums.net_before as double), 4
                    )
        end as category_left_share,
        case
            when purchases.tenure_days >= 365 then coalesce(order_sums.orders_coming_90d_year_ago, 0)
        end as orders_coming_90d_year_ago
    from {{ ref('feat_purchase') }} as purchases
    left join order_sums
        on purchases.as_of = order_sums.as_of and purchases.customer_id = order_sums.customer_id
    left join category_sums
        on purchases.as_of = category_sums.as_of and purchases.customer_id = category_sums.customer_id
)

select * from customers
order by {{ customer_order() }}
