with

customer_records as (
    select * from {{ ref('stg_olist__customer_records') }}
),

purchases as (
    select * from {{ ref('stg_olist__purchases') }}
),

-- a record carries no date of its own: it was made with its order
ranked as (
    select
        customer_records.*,
        cast(purchases.ordered_at as date) as ordered_on,
        min(cast(purchases.ordered_at as date)) over (
            partition by customer_records.customer_id, customer_records.known_from_on
        ) as created_on,
        row_number() over (
            partition by customer_records.customer_id, customer_records.known_from_on
            order by
                purchases.ordered_at desc nulls last,
                purchases.order_id desc nulls last,
                customer_records.customer_record_id desc
        ) as newness
    from customer_records
    left join purchases
        on customer_records.customer_record_id = purchases.customer_record_id
            and customer_records.known_from_on = purchases.known_from_on
),

customers as (
    select
        'olist' as source,
        customer_id,
        created_on,
        'BR' as country,
        state as province,
        city,
        ordered_on as updated_on,
        known_from_on,
        known_until_on
    from ranked
    where newness = 1
)

select * from customers
