with

lines as (
    select * from {{ ref('raw_bench__lines') }}
),

-- the generator never moves a product to another category; min() only makes that independent of reading order
products as (
    select
        'bench' as source,
        cast(product_id as bigint) as product_id,
        min(category) as category,
        cast(null as varchar) as department,
        cast(null as varchar) as brand,
        cast(null as varchar) as product_name,
        cast(null as varchar) as package_size,
        false as is_gift_card,
        min(_delivered_on) as known_from_on,
        cast('9999-12-31' as date) as known_until_on
    from lines
    where product_id is not null
    group by product_id
)

select * from products
