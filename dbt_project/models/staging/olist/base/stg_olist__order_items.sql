with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

order_items as (
    {{ versions('olist', 'order_items') }}
),

renamed as (
    select
        {{ text('order_id') }} as order_id,
        {{ text('order_item_id') }} as line_id,
        {{ text('product_id') }} as product_id,
        {{ text('seller_id') }} as seller_id,
        cast(price as decimal(18, 2)) as price_amount,
        cast(freight_value as decimal(18, 2)) as freight_amount,
        dumps.known_from_on,
        dumps.known_until_on
    from order_items
    inner join dumps
        on order_items.known_from_on <= dumps.known_from_on and order_items.known_until_on > dumps.known_from_on
)

select * from renamed
