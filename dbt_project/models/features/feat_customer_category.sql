with

as_of_dates as (
    {{ as_of_dates() }}
),

-- there are few categories and many products: the spelling of each category is looked at once
categories as (
    select
        category,
        category_use
    from {{ ref('feat_product') }}
    where category is not null
    group by category, category_use
),

families as (
    select
        category,
        category_use,
        {{ is_family_category('category', 'category_use') }} as is_family
    from categories
),

products as (
    select
        products.as_of,
        products.source,
        products.product_id,
        products.category,
        products.category_price,
        products.price_change_90d,
        products.launched_on,
        families.is_family
    from {{ ref('feat_product') }} as products
    inner join families
        on products.category = families.category
            and products.category_use is not distinct from families.category_use
),

-- the few orders that do not count are carried to the lines; carrying the many that do would take a table of them in
-- memory. They come from a table of their own, so that the engine knows how few they are.
uncounted_orders as (
    select * from {{ ref('feat_order_uncounted') }}
),

lines_returned as (
    select
        as_of_dates.as_of,
        returns.source,
        returns.order_id,
        returns.line_id,
        cast(sum(returns.amount) as decimal(18, 2)) as returned_amount
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on returns.returned_on < as_of_dates.as_of and {{ is_known('returns', 'as_of_dates') }}
    where returns.order_id is not null and returns.line_id is not null
    group by as_of_dates.as_of, returns.source, returns.order_id, returns.line_id
),

lines as (
    select
        as_of_dates.as_of,
        lines.source,
        lines.order_id,
        lines.line_id,
        lines.customer_id,
        lines.product_id,
        lines.ordered_on,
        lines.quantity,
        coalesce(lines.list_amount, lines.net_amount) as list_amount,
        lines.net_amount
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of
            and lines.ordered_on >= as_of_dates.as_of - {{ var('window_days') }}
            and {{ is_known('lines', 'as_of_dates') }}
    where lines.customer_id is not null and {{ is_learned_from('lines.customer_id') }}
),

counted_lines as (
    select lines.*
    from lines
    anti join uncounted_orders
        on lines.as_of = uncounted_orders.as_of
            and lines.source = uncounted_orders.source
            and lines.order_id = uncounted_orders.order_id
),

-- prices relative to their category as whole thousandths: their sum is the same in any order
compared as (
    select
        counted_lines.as_of,
        counted_lines.customer_id,
        products.category,
        products.is_family,
        counted_lines.ordered_on >= counted_lines.as_of - 90 as is_90d,
        case
            when counted_lines.ordered_on < counted_lines.as_of - 90 then products.price_change_90d
        end as price_change,
        counted_lines.net_amount - coalesce(lines_returned.returned_amount, 0) as net_amount,
        case
            when counted_lines.quantity > 0 and counted_lines.list_amount > 0 and products.category_price > 0
                then cast(
                        round(
                            1000 * least(
                                cast(counted_lines.list_amount as double)
                                / cast(counted_lines.quantity as double)
                                / products.category_price,
                                {{ var('highest_price_ratio') }}
                            )
                        ) as bigint
                    )
        end as price_ratio,
        {{ days_between('products.launched_on', 'counted_lines.ordered_on') }} as since_launch_days
    from counted_lines
    inner join products
        on counted_lines.as_of = products.as_of
            and counted_lines.source = products.source
            and counted_lines.product_id = products.product_id
    left join lines_returned
        on counted_lines.as_of = lines_returned.as_of
            and counted_lines.source = lines_returned.source
            and counted_lines.order_id = lines_returned.order_id
            and counted_lines.line_id = lines_returned.line_id
),

per_category as (
    select
        as_of,
        customer_id,
        category,
        cast(sum(net_amount) as decimal(18, 2)) as net_w,
        cast(coalesce(sum(net_amount) filter (where is_family), 0) as decimal(18, 2)) as family_net_w,
        count(price_ratio) as priced_lines_w,
        cast(coalesce(sum(price_ratio), 0) as bigint) as price_ratio_sum,
        count(*) filter (where price_ratio >= 1000 * {{ var('premium_price_ratio') }}) as premium_lines_w,
        count(since_launch_days) as launched_lines_w,
        count(*) filter (where since_launch_days between 0 and {{ var('new_product_days') }}) as new_lines_w,
        count(*) filter (where is_90d) as lines_90d,
        cast(coalesce(sum(net_amount) filter (where not is_90d), 0) as decimal(18, 2)) as net_before_90d,
        count(price_change) as repriced_lines_w,
        cast(coalesce(sum(price_change), 0) as bigint) as price_change_sum
    from compared
    group by as_of, customer_id, category
)

select * from per_category
