with

as_of_dates as (
    {{ as_of_dates() }}
),

brands as (
    select
        as_of,
        source,
        product_id,
        brand
    from {{ ref('feat_product') }}
    where brand is not null
),

uncounted_orders as (
    select * from {{ ref('feat_order_uncounted') }}
),

lines as (
    select
        as_of_dates.as_of,
        lines.source,
        lines.order_id,
        lines.customer_id,
        lines.net_amount,
        brands.brand
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of
            and lines.ordered_on >= as_of_dates.as_of - {{ var('window_days') }}
            and {{ is_known('lines', 'as_of_dates') }}
    inner join brands
        on as_of_dates.as_of = brands.as_of
            and lines.source = brands.source
            and lines.product_id = brands.product_id
    where lines.customer_id is not null
),

-- a brand counts once an order, however many of its lines are in the basket
per_order as (
    select
        lines.as_of,
        lines.customer_id,
        lines.source,
        lines.order_id,
        lines.brand,
        sum(lines.net_amount) as net_amount
    from lines
    anti join uncounted_orders
        on lines.as_of = uncounted_orders.as_of
            and lines.source = uncounted_orders.source
            and lines.order_id = uncounted_orders.order_id
    group by lines.as_of, lines.customer_id, lines.source, lines.order_id, lines.brand
),

per_brand as (
    select
        as_of,
        customer_id,
        brand,
        count(*) as orders_w,
        cast(greatest(sum(net_amount), 0) as decimal(18, 2)) as net_w
    from per_order
    group by as_of, customer_id, brand
)

select * from per_brand
