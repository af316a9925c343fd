with

orders as (
    select
        as_of,
        customer_id,
        ordered_on,
        net_amount,
        list_amount,
        discount_amount,
        cost_amount,
        {{ days_between('ordered_on', 'as_of') }} as age_days,
        -- orders of one day are one occasion: their gap is 0 and does not count, whichever of them comes first
        lag(ordered_on) over (partition by as_of, customer_id order by ordered_on) as previous_on
    from {{ ref('feat_order') }}
    where is_valid and customer_id is not null
),

spaced as (
    select
        *,
        {{ days_between('previous_on', 'ordered_on') }} as gap_days,
        age_days <= {{ var('window_days') }} as is_w
    from orders
),

-- doubles summed by two threads differ from run to run; a logarithm in millionths is a whole number
logged as (
    select
        *,
        case when gap_days > 0 then cast(round(ln(gap_days) * 1000000) as bigint) end as gap_ln
    from spaced
),

per_customer as (
    select
        as_of,
        customer_id,
        count(*) as orders_life,
        count(*) filter (where is_w) as orders_w,
        count(*) filter (where age_days <= 30) as orders_30d,
        count(*) filter (where age_days <= 90) as orders_90d,
        count(*) filter (where age_days between 91 and 180) as orders_previous_90d,
        sum(net_amount) as net_life,
        sum(net_amount) filter (where is_w) as net_w,
        sum(net_amount) filter (where age_days <= 30) as net_30d,
        sum(net_amount) filter (where age_days <= 90) as net_90d,
        sum(net_amount) filter (where age_days between 91 and 180) as net_previous_90d,
        sum(net_amount) filter (where age_days between 91 and 360) as net_previous_270d,
        min(ordered_on) as first_order_on,
        max(ordered_on) as last_order_on,
        count(gap_ln) as gaps,
        sum(gap_ln) as gap_ln_sum,
        sum(gap_ln * gap_ln) as gap_ln_sq_sum,
        median(gap_days) filter (where gap_days > 0) as gap_median_days,
        sum(gap_days) filter (where gap_days > 0) as gap_sum,
        sum(gap_days * gap_days) filter (where gap_days > 0) as gap_sq_sum,
        -- the same as they stood half a year ago
        count(*) filter (where age_days between 181 and 180 + {{ var('window_days') }}) as orders_w_180d_ago,
        count(*) filter (where gap_days > 0 and age_days > 180) as gaps_180d_ago,
        sum(gap_days) filter (where gap_days > 0 and age_days > 180) as gap_sum_180d_ago,
        sum(gap_days * gap_days) filter (where gap_days > 0 and age_days > 180) as gap_sq_sum_180d_ago,
        -- of the first order alone there is none before it; the second may be of the same day
        min(ordered_on) filter (where previous_on is not null) as second_order_on,
        max(previous_on) filter (where gap_days > 0) as occasion_before_last_on,
        sum(list_amount) filter (where is_w) as list_w,
        sum(discount_amount) filter (where is_w) as discount_w,
        count(*) filter (where is_w and discount_amount > 0) as discount_orders_w,
        count(*) filter (where is_w and list_amount is null) as orders_without_list_w,
        sum(net_amount) filter (where is_w and cost_amount is not null) as costed_net_w,
        sum(cost_amount) filter (where is_w) as cost_w
    from logged
    group by as_of, customer_id
),

-- of categories with the same net the first in the alphabet is the top one
best_net as (
    select
        as_of,
        customer_id,
        count(*) as categories_w,
        max(net_w) as net_w
    from {{ ref('feat_customer_category') }}
    group by as_of, customer_id
),

top_categories as (
    select
        best_net.as_of,
        best_net.customer_id,
        max(best_net.categories_w) as categories_w,
        min(bought.category) as top_category
    from {{ ref('feat_customer_category') }} as bought
    inner join best_net
        on bought.as_of = best_net.as_of
            and bought.customer_id = best_net.customer_id
            and bought.net_w = best_net.net_w
    group by best_net.as_of, best_net.customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        coalesce(per_customer.orders_life, 0) as orders_life,
        coalesce(per_customer.orders_w, 0) as orders_w,
        coalesce(per_customer.orders_30d, 0) as orders_30d,
        coalesce(per_customer.orders_90d, 0) as orders_90d,
        coalesce(per_customer.orders_previous_90d, 0) as orders_previous_90d,
        {%- for window in ['life', 'w', '30d', '90d', 'previous_90d', 'previous_270d'] %}
        cast(
            coalesce(per_customer.net_{{ window }}, 0) - coalesce(returns.unlinked_{{ window }}, 0) as decimal(18, 2)
        ) as net_{{ window }},
        {%- endfor %}
        per_customer.first_order_on,
        per_customer.last_order_on,
        {{ days_between('per_customer.last_order_on', 'customers.as_of') }} as recency_days,
        {{ days_between('per_customer.first_order_on', 'customers.as_of') }} as tenure_days,
        cast(per_customer.net_w / nullif(per_customer.orders_w, 0) as decimal(18, 2)) as aov_w,
        case when per_customer.orders_life > 0 then per_customer.gaps + 1 else 0 end as occasions_life,
        {{ days_between('per_customer.first_order_on', 'per_customer.second_order_on') }} as second_order_days,
        coalesce(per_customer.gaps, 0) as gaps,
        cast(coalesce(per_customer.gap_ln_sum, 0) as bigint) as gap_ln_sum,
        cast(coalesce(per_customer.gap_ln_sq_sum, 0) as bigint) as gap_ln_sq_sum,
        cast(per_customer.gap_median_days as double) as gap_median_days,
        {{ variation('per_customer.gaps', 'per_customer.gap_sum', 'per_customer.gap_sq_sum') }} as gap_cv,
        coalesce(per_customer.orders_w_180d_ago, 0) as orders_w_180d_ago,
        {{ variation(
            'per_customer.gaps_180d_ago', 'per_customer.gap_sum_180d_ago', 'per_customer.gap_sq_sum_180d_ago'
        ) }} as gap_cv_180d_ago,
        {{ days_between('per_customer.occasion_before_last_on', 'per_customer.last_order_on') }} as last_gap_days,
        delivered.has_list_prices and coalesce(per_customer.orders_without_list_w, 0) = 0 as has_list,
        coalesce(per_customer.list_w, 0) as list_w,
        coalesce(per_customer.discount_w, 0) as discount_w,
        coalesce(per_customer.discount_orders_w, 0) as discount_orders_w,
        delivered.has_products,
        coalesce(top_categories.categories_w, 0) as categories_w,
        top_categories.top_category,
        per_customer.cost_w is not null as has_cost,
        per_customer.costed_net_w - per_customer.cost_w - coalesce(returns.unlinked_w, 0) as margin_w,
        coalesce(per_customer.costed_net_w, 0) / nullif(per_customer.net_w, 0) as cost_coverage_w,
        delivered.has_returns,
        coalesce(returns.return_amount_w, 0) as return_amount_w
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_customer
        on customers.as_of = per_customer.as_of and customers.customer_id = per_customer.customer_id
    left join {{ ref('feat_return') }} as returns
        on customers.as_of = returns.as_of and customers.customer_id = returns.customer_id
    left join top_categories
        on customers.as_of = top_categories.as_of and customers.customer_id = top_categories.customer_id
),

-- 23 columns follow from orders alone; the other 8 need a list price, products, costs or returns
covered as (
    select
        as_of,
        customer_id,
        orders_life,
        orders_w,
        orders_30d,
        orders_90d,
        orders_previous_90d,
        net_life,
        net_w,
        net_30d,
        net_90d,
        net_previous_90d,
        net_previous_270d,
        first_order_on,
        last_order_on,
        recency_days,
        tenure_days,
        aov_w,
        occasions_life,
        second_order_days,
        gaps,
        gap_ln_sum,
        gap_ln_sq_sum,
        gap_median_days,
        gap_cv,
        orders_w_180d_ago,
        gap_cv_180d_ago,
        last_gap_days,
        cast(case when has_list then list_w end as decimal(18, 2)) as list_w,
        cast(case when has_list then discount_w end as decimal(18, 2)) as discount_w,
        case when has_list then discount_orders_w end as discount_orders_w,
        case when has_products then categories_w end as categories_w,
        case when has_products then top_category end as top_category,
        cast(margin_w as decimal(18, 2)) as margin_w,
        round(cast(cost_coverage_w as double), 4) as cost_coverage_w,
        cast(case when has_returns then return_amount_w end as decimal(18, 2)) as return_amount_w,
        {{ share_known(23, {'has_list': 3, 'has_products': 2, 'has_cost': 2, 'has_returns': 1}) }} as purchase_coverage
    from customers
)

select * from covered
order by {{ customer_order() }}
