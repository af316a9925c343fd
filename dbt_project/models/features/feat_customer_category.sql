with

as_of_dates as (
    {{ as_of_dates() }}
),

categories as (
    select
        as_of_dates.as_of,
        products.source,
        products.product_id,
        products.category
    from {{ ref('stg_products') }} as products
    inner join as_of_dates on {{ is_known('products', 'as_of_dates') }}
    where products.category is not null
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
        lines.net_amount
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of
            and lines.ordered_on >= as_of_dates.as_of - {{ var('window_days') }}
            and {{ is_known('lines', 'as_of_dates') }}
    where lines.customer_id is not null
),

counted_lines as (
    select lines.*
    from lines
    anti join uncounted_orders
        on lines.as_of = uncounted_orders.as_of
            and lines.source = uncounted_orders.source
            and lines.order_id = uncounted_orders.order_id
),

per_category as (
    select
        counted_lines.as_of,
        counted_lines.customer_id,
        categories.category,
        cast(sum(counted_lines.net_amount - coalesce(lines_returned.returned_amount, 0)) as decimal(18, 2)) as net_w
    from counted_lines
    inner join categories
        on counted_lines.as_of = categories.as_of
            and counted_lines.source = categories.source
            and counted_lines.product_id = categories.product_id
    left join lines_returned
        on counted_lines.as_of = lines_returned.as_of
            and counted_lines.source = lines_returned.source
            and counted_lines.order_id = lines_returned.order_id
            and counted_lines.line_id = lines_returned.line_id
    group by counted_lines.as_of, counted_lines.customer_id, categories.category
)

select * from per_category
