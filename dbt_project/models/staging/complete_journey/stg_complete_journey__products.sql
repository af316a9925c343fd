with

products as (
    {{ versions('complete_journey', 'products') }}
),

renamed as (
    select
        'complete_journey' as source,
        cast(product_id as bigint) as product_id,
        {{ text('product_category') }} as category,
        {{ text('department') }} as department,
        {{ text('brand') }} as brand,
        {{ text('product_type') }} as product_name,
        {{ text('package_size') }} as package_size,
        -- 'ELECTRONIC GIFT CARDS ACTIVATI', 'MASTERCARD GIFT CARD', …; not gift tags, gift wrap or gift baskets
        coalesce(product_type like '%GIFT CARD%', false) as is_gift_card,
        known_from_on,
        known_until_on
    from products
)

select * from renamed
