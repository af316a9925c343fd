{{ config(materialized='table') }}

with

purchases as (
    select * from {{ ref('stg_olist__purchases') }}
),

customer_records as (
    select * from {{ ref('stg_olist__customer_records') }}
),

order_totals as (
    select * from {{ ref('stg_olist__order_totals') }}
),

orders as (
    select
        'olist' as source,
        purchases.order_id,
        -- the order names a record made for it alone; the person behind it is another column of that record
        customer_records.customer_id,
        purchases.ordered_at,
        cast(purchases.ordered_at as date) as ordered_on,
        purchases.approved_at as paid_at,
        purchases.status,
        'online' as channel,
        customer_records.city,
        -- no items are no money known, not nothing to pay
        order_totals.freight_amount as shipping_fee,
        order_totals.goods_amount as net_amount,
        'BRL' as currency,
        order_totals.payment_method,
        purchases.known_from_on,
        purchases.known_until_on
    from purchases
    left join customer_records
        on purchases.customer_record_id = customer_records.customer_record_id
            and purchases.known_from_on = customer_records.known_from_on
    left join order_totals
        on purchases.order_id = order_totals.order_id and purchases.known_from_on = order_totals.known_from_on
)

select * from orders
