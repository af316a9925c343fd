{{ config(materialized='table') }}

with

order_items as (
    select * from {{ ref('stg_olist__order_items') }}
),

orders as (
    select * from {{ ref('stg_olist__orders') }}
),

-- an item of an order that no dump holds has no day; stg_olist__order_totals counts it (is_in_orders)
order_lines as (
    select
        'olist' as source,
        order_items.order_id,
        order_items.line_id,
        orders.customer_id,
        orders.ordered_at,
        orders.ordered_on,
        order_items.product_id,
        -- a row is one unit: two of a product are two rows
        cast(1 as decimal(18, 3)) as quantity,
        order_items.price_amount as net_amount,
        orders.currency,
        orders.status,
        orders.channel,
        false as is_excluded,
        order_items.known_from_on,
        order_items.known_until_on
    from order_items
    inner join orders
        on order_items.order_id = orders.order_id and order_items.known_from_on = orders.known_from_on
)

select * from order_lines
