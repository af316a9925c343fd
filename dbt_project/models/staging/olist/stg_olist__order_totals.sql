{{ config(materialized='table') }}

with

purchases as (
    select * from {{ ref('stg_olist__purchases') }}
),

items as (
    select * from {{ ref('stg_olist__order_items') }}
),

payments as (
    select * from {{ ref('stg_olist__order_payments') }}
),

reviews as (
    select * from {{ ref('stg_olist__order_reviews') }}
),

paid_per_method as (
    select
        order_id,
        known_from_on,
        payment_method,
        sum(paid_amount) as paid_amount,
        min(payment_number) as first_payment_number
    from payments
    where payment_method is not null
    group by order_id, known_from_on, payment_method
),

-- how most of the money came; of equal parts the one paid first, then the name
ranked_methods as (
    select
        *,
        row_number() over (
            partition by order_id, known_from_on
            order by paid_amount desc, first_payment_number asc, payment_method asc
        ) as precedence
    from paid_per_method
),

-- stacked, not joined: an id that only one of the four files knows must stay, and four grains must not multiply
parts as (
    select
        order_id,
        known_from_on,
        known_until_on,
        1 as orders,
        0 as lines,
        0 as payments,
        0 as reviews,
        null as goods_amount,
        null as freight_amount,
        null as paid_amount
    from purchases
    union all
    select
        order_id,
        known_from_on,
        known_until_on,
        0 as orders,
        1 as lines,
        0 as payments,
        0 as reviews,
        price_amount as goods_amount,
        freight_amount,
        null as paid_amount
    from items
    union all
    select
        order_id,
        known_from_on,
        known_until_on,
        0 as orders,
        0 as lines,
        1 as payments,
        0 as reviews,
        null as goods_amount,
        null as freight_amount,
        paid_amount
    from payments
    union all
    select
        order_id,
        known_from_on,
        known_until_on,
        0 as orders,
        0 as lines,
        0 as payments,
        1 as reviews,
        null as goods_amount,
        null as freight_amount,
        null as paid_amount
    from reviews
),

summed as (
    select
        order_id,
        known_from_on,
        known_until_on,
        sum(orders) > 0 as is_in_orders,
        cast(sum(lines) as integer) as lines,
        cast(sum(payments) as integer) as payments,
        cast(sum(reviews) as integer) as reviews,
        cast(sum(goods_amount) as decimal(18, 2)) as goods_amount,
        cast(sum(freight_amount) as decimal(18, 2)) as freight_amount,
        cast(sum(paid_amount) as decimal(18, 2)) as paid_amount
    from parts
    group by order_id, known_from_on, known_until_on
),

totals as (
    select
        summed.*,
        cast(summed.paid_amount - summed.goods_amount - summed.freight_amount as decimal(18, 2)) as paid_beyond_amount,
        ranked_methods.payment_method
    from summed
    left join ranked_methods
        on summed.order_id = ranked_methods.order_id
            and summed.known_from_on = ranked_methods.known_from_on
            and ranked_methods.precedence = 1
)

select * from totals
