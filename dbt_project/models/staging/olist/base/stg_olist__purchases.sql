with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

orders as (
    {{ versions('olist', 'orders') }}
),

renamed as (
    select
        {{ text('order_id') }} as order_id,
        {{ text('customer_id') }} as customer_record_id,
        {{ code('order_status') }} as order_status,
        -- approved, invoiced and processing stand between the approved payment and the parcel; unavailable: nothing
        -- to send was found, and 603 of those 609 orders have lost their items too
        case {{ code('order_status') }}
            when 'created' then 'created'
            when 'approved' then 'paid'
            when 'invoiced' then 'paid'
            when 'processing' then 'paid'
            when 'shipped' then 'shipped'
            when 'delivered' then 'delivered'
            when 'canceled' then 'cancelled'
            when 'unavailable' then 'cancelled'
        end as status,
        {{ local_time('order_purchase_timestamp', 'olist', 'orders') }} as ordered_at,
        {{ local_time(text('order_approved_at'), 'olist', 'orders') }} as approved_at,
        {{ local_time(text('order_delivered_carrier_date'), 'olist', 'orders') }} as handed_over_at,
        {{ local_time(text('order_delivered_customer_date'), 'olist', 'orders') }} as delivered_at,
        -- a day, written as its midnight
        cast(cast({{ text('order_estimated_delivery_date') }} as timestamp) as date) as promised_on,
        dumps.known_from_on,
        dumps.known_until_on
    from orders
    inner join dumps
        on orders.known_from_on <= dumps.known_from_on and orders.known_until_on > dumps.known_from_on
)

select * from renamed
