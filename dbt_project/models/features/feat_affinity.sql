{%- set enough_orders = 'order_sums.orders >= ' ~ var('min_orders_for_shares') %}
{%- set enough_purchases = enough_orders ~ ' and brand_sums.purchases >= ' ~ var('min_orders_for_shares') %}

with

order_sums as (
    select
        as_of,
        customer_id,
        sum(orders) as orders
    from {{ ref('feat_order_kind') }}
    group by as_of, customer_id
),

category_places as (
    select
        as_of,
        customer_id,
        category,
        net_w,
        row_number() over (partition by as_of, customer_id order by net_w desc, category asc) as place
    from {{ ref('feat_customer_category') }}
    where net_w > 0
),

category_leaders as (
    select
        as_of,
        customer_id,
        cast(max(net_w) filter (where place = 1) as double) as top_net,
        max(category) filter (where place = 2) as second_category,
        cast(max(net_w) filter (where place = 2) as double) as second_net,
        max(category) filter (where place = 3) as third_category,
        cast(max(net_w) filter (where place = 3) as double) as third_net
    from category_places
    where place <= 3
    group by as_of, customer_id
),

-- sums of money and of its squares are decimals until here: the same in any order
category_sums as (
    select
        as_of,
        customer_id,
        cast(sum(net_w) as double) as net,
        cast(sum(net_w * net_w) as double) as net_sq
    from {{ ref('feat_customer_category') }}
    where net_w > 0
    group by as_of, customer_id
),

brand_places as (
    select
        as_of,
        customer_id,
        brand,
        net_w,
        row_number() over (partition by as_of, customer_id order by net_w desc, brand asc) as place
    from {{ ref('feat_customer_brand') }}
    where net_w > 0
),

brand_leaders as (
    select
        as_of,
        customer_id,
        brand as top_brand,
        cast(net_w as double) as top_net
    from brand_places
    where place = 1
),

brand_sums as (
    select
        as_of,
        customer_id,
        sum(orders_w) as purchases,
        count(*) as brands,
        cast(sum(net_w) as double) as net,
        cast(sum(net_w * net_w) as double) as net_sq
    from {{ ref('feat_customer_brand') }}
    group by as_of, customer_id
),

-- how important one brand is, 1 to 5
stated as (
    select
        as_of,
        customer_id,
        attribute,
        try_cast(answer as integer) as importance
    from {{ ref('feat_survey_answer') }}
    where
        question_kind = 'importance'
        and attribute in ('brand_loyalty', 'brand')
        and age_days <= {{ var('stated_days') }}
        and try_cast(answer as integer) between 1 and 5
),

brand_answers as (
    select
        as_of,
        customer_id,
        coalesce(
            max(importance) filter (where attribute = 'brand_loyalty'),
            max(importance) filter (where attribute = 'brand')
        ) as brand_loyalty_stated
    from stated
    group by as_of, customer_id
),

brands_of_day as (
    select
        as_of,
        count(*) as brands
    from (
        select
            as_of,
            brand
        from {{ ref('feat_product') }}
        where unit_price is not null and brand is not null
        group by as_of, brand
    ) as sold
    group by as_of
),

measured as (
    select
        customers.as_of,
        customers.customer_id,
        category_leaders.second_category,
        category_leaders.third_category,
        round(category_leaders.top_net / category_sums.net, 4) as top_category_share,
        round(category_leaders.second_net / category_sums.net, 4) as second_category_share,
        round(category_leaders.third_net / category_sums.net, 4) as third_category_share,
        case when {{ enough_orders }} then category_sums.net_sq / pow(category_sums.net, 2) end as category_hhi,
        delivered.has_brands,
        coalesce(brand_sums.brands, 0) as brands,
        coalesce(brand_sums.purchases, 0) as purchases,
        brands_of_day.brands as brands_on_sale,
        brand_leaders.top_brand,
        case when {{ enough_purchases }} then brand_leaders.top_net / nullif(brand_sums.net, 0) end as top_brand_share,
        case when {{ enough_purchases }} then brand_sums.net_sq / nullif(pow(brand_sums.net, 2), 0) end as brand_hhi,
        case when {{ enough_purchases }} then brand_sums.purchases - brand_sums.brands end as repeats,
        brand_answers.brand_loyalty_stated
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join order_sums
        on customers.as_of = order_sums.as_of and customers.customer_id = order_sums.customer_id
    left join category_leaders
        on customers.as_of = category_leaders.as_of and customers.customer_id = category_leaders.customer_id
    left join category_sums
        on customers.as_of = category_sums.as_of and customers.customer_id = category_sums.customer_id
    left join brand_leaders
        on customers.as_of = brand_leaders.as_of and customers.customer_id = brand_leaders.customer_id
    left join brand_sums
        on customers.as_of = brand_sums.as_of and customers.customer_id = brand_sums.customer_id
    left join brands_of_day on customers.as_of = brands_of_day.as_of
    left join brand_answers
        on customers.as_of = brand_answers.as_of and cast(customers.customer_id as varchar) = brand_answers.customer_id
),

customers as (
    select
        as_of,
        customer_id,
        top_category_share,
        second_category,
        second_category_share,
        third_category,
        third_category_share,
        round(category_hhi, 4) as category_hhi,
        cast(case when has_brands then brands end as bigint) as brands_w,
        cast(case when has_brands then purchases end as bigint) as brand_purchases_w,
        top_brand,
        round(top_brand_share, 4) as top_brand_share,
        round(brand_hhi, 4) as brand_hhi,
        -- over what buying every brand on sale alike would give, which is a half where there are two of them;
        -- who buys them alike is not below that, whatever rounding says
        case
            when brands_on_sale > 1 and brand_hhi is not null
                then greatest(round((brands_on_sale * brand_hhi - 1) / (brands_on_sale - 1), 4), 0.0)
        end as brand_concentration,
        round(cast(repeats as double) / cast(purchases - 1 as double), 4) as brand_repeat_rate,
        brand_loyalty_stated
    from measured
)

select * from customers
order by {{ customer_order() }}
