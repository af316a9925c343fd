with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

category_translation as (
    {{ versions('olist', 'category_translation') }}
),

renamed as (
    select
        {{ text('product_category_name') }} as category_pt,
        {{ text('product_category_name_english') }} as category_en,
        dumps.known_from_on,
        dumps.known_until_on
    from category_translation
    inner join dumps
        on category_translation.known_from_on <= dumps.known_from_on
            and category_translation.known_until_on > dumps.known_from_on
)

select * from renamed
