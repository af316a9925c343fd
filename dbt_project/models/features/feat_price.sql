-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{%- set min_orders = var('min_orders_for_shares') %}
{%- set min_lines = var('min_lines_for_shares') %}

with

order_sums as (
    select
        as_of,
        customer_id,
        sum(listed_orders) as listed_orders,
        sum(discounted_orders) as discounted_orders,
        sum(list_amount) as list_amount,
        sum(discount_amount) as discount_amount,
        sum(promotion_told_orders) as promotion_told_orders,
        sum(promoted_orders) as promoted_orders
    from {{ ref('feat_order_kind') }}
    group by as_of, customer_id
),

line_sums as (
    select
        as_of,
        customer_id,
        sum(priced_lines_w) as priced_lines,
        sum(price_ratio_sum) as price_ratio_sum,
        sum(premium_lines_w) as premium_lines,
        sum(launched_lines_w) as launched_lines,
        sum(new_lines_w) as new_lines
    from {{ ref('feat_customer_category') }}
    group by as_of, customer_id
),

budget_answers as (
    select
        as_of,
        customer_id,
        case
            when answer in ('limited', 'tight', 'low', 'small', '有限', '紧张', '较低', '低') then 'limited'
            when answer in ('enough', 'ample', 'high', 'large', '充足', '充裕', '较高', '高') then 'enough'
        end as budget_stated
    from {{ ref('feat_survey_answer') }}
    where question_kind = 'budget' and attribute = '' and age_days <= {{ var('stated_days') }}
),

shares as (
    select
        customers.as_of,
        customers.customer_id,
        case when delivered.has_list_prices then coalesce(order_sums.listed_orders, 0) end as listed_orders,
        case
            when order_sums.listed_orders >= {{ min_orders }}
                then cast(order_sums.discounted_orders / order_sums.listed_orders as decimal(9, 4))
        end as discount_count_share,
        -- what costs more than its list price has no discount, and not less than none
        case
            when order_sums.listed_orders >= {{ min_orders }}
                then cast(
                    least(greatest(order_sums.discount_amount, 0) / order_sums.list_amount, 1) as decimal(9, 4)
                )
        end as discount_value_share,
        case
            when order_sums.promotion_told_orders >= {{ min_orders }}
                then round(order_sums.promoted_orders / order_sums.promotion_told_orders, 4)
        end as promotion_order_share,
        case when delivered.has_products then coalesce(line_sums.priced_lines, 0) end as priced_lines,
        case
            when line_sums.priced_lines >= {{ min_lines }}
                then round(line_sums.price_ratio_sum / (1000.0 * line_sums.priced_lines), 4)
        end as price_level,
        case
            when line_sums.priced_lines >= {{ min_lines }}
                then round(line_sums.premium_lines / line_sums.priced_lines, 4)
        end as premium_line_share,
        case when delivered.has_launch_days then coalesce(line_sums.launched_lines, 0) end as launched_lines,
        case
            when line_sums.launched_lines >= {{ min_lines }}
                then round(line_sums.new_lines / line_sums.launched_lines, 4)
        end as new_product_share,
        budget_answers.budget_stated
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join order_sums
        on customers.as_of = order_sums.as_of and customers.customer_id = order_sums.customer_id
    left join line_sums
        on customers.as_of = line_sums.as_of and customers.customer_id = line_sums.customer_id
    left join budget_answers
        on customers.as_of = budget_answers.as_of and cast(customers.customer_id as varchar) = budget_answers.customer_id
),

customers as (
    select
        as_of,
        customer_id,
        cast(listed_orders as bigint) as listed_orders_w,
        cast(discount_count_share as double) as discount_count_share,
        cast(discount_value_share as double) as discount_value_share,
        -- from the published shares, as decimals: a reader adds up the same number
        cast(
            cast(
                {{ var('dsi_value_weight') }} * discount_value_share + (1 - {{ var('dsi_value_weight') }}) * discount_count_share
                as decimal(9, 4)
            ) as double
        ) as dsi_value,
        cast(1 - discount_count_share as double) as full_price_share,
        cast(promotion_order_share as double) as promotion_order_share,
        cast(priced_lines as bigint) as priced_lines_w,
        cast(price_level as double) as price_level,
        cast(premium_line_share as double) as premium_line_share,
        cast(launched_lines as bigint) as launched_lines_365d,
        cast(new_product_share as double) as new_product_share_365d,
        cast(budget_stated as varchar) as budget_stated
    from shares
)

select * from customers
order by {{ customer_order() }}
