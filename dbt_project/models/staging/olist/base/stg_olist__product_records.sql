with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

products as (
    {{ versions('olist', 'products') }}
),

renamed as (
    select
        {{ text('product_id') }} as product_id,
        {{ text('product_category_name') }} as category_pt,
        cast({{ text('product_photos_qty') }} as integer) as photos,
        cast({{ text('product_weight_g') }} as integer) as weight_g,
        dumps.known_from_on,
        dumps.known_until_on
    from products
    inner join dumps
        on products.known_from_on <= dumps.known_from_on and products.known_until_on > dumps.known_from_on
)

select * from renamed
