with

product_records as (
    select * from {{ ref('stg_olist__product_records') }}
),

category_names as (
    select * from {{ ref('stg_olist__category_names') }}
),

products as (
    select
        'olist' as source,
        product_records.product_id,
        -- two categories are not translated: they keep the name they have
        coalesce(category_names.category_en, product_records.category_pt) as category,
        product_records.known_from_on,
        product_records.known_until_on
    from product_records
    left join category_names
        on product_records.category_pt = category_names.category_pt
            and product_records.known_from_on = category_names.known_from_on
)

select * from products
