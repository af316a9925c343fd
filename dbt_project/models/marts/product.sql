{{ config(location=var('run_dir') ~ '/marts/product.parquet') }}

with

versions as (
    select *
    from {{ ref('feat_product_version') }}
    where as_of = {{ marts_as_of() }}
),

-- what customers paid for a unit before discounts, over the window; of the product as it is now
sold as (
    select
        as_of,
        source,
        product_id,
        unit_price
    from {{ ref('feat_product') }}
    where as_of = {{ marts_as_of() }}
),

tiers as (
    {{ marts_labels('product', 'tier') }}
),

bases as (
    {{ marts_labels('product', 'validity_basis') }}
),

labelled as (
    select
        versions.source,
        cast(versions.product_id as varchar) as product_id,
        versions.valid_from_on,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        versions.valid_to_on,
        versions.is_current,
        versions.validity_basis,
        bases.label_zh as validity_basis_label_zh,
        bases.label_en as validity_basis_label_en,
        versions.product_name,
        versions.category,
        versions.department,
        versions.category_function,
        versions.category_use,
        versions.brand,
        versions.package_size,
        versions.material,
        versions.origin,
        versions.tier,
        tiers.label_zh as tier_label_zh,
        tiers.label_en as tier_label_en,
        versions.is_smart,
        versions.is_green,
        versions.is_gift_card,
        versions.launched_on,
        cast(versions.list_price as decimal(18, 2)) as list_price,
        case when versions.is_current then cast(sold.unit_price as double) end as unit_price_w,
        {{ share_known(0, {
            'versions.category is not null': 1,
            'versions.category_function is not null': 1,
            'versions.category_use is not null': 1,
            'versions.brand is not null': 1,
            'versions.package_size is not null': 1,
            'versions.material is not null': 1,
            'versions.origin is not null': 1,
            'versions.tier is not null': 1,
            'versions.is_smart is not null': 1,
            'versions.is_green is not null': 1,
            'versions.launched_on is not null': 1,
            'versions.list_price is not null': 1,
        }) }} as product_coverage
    from versions
    left join sold on versions.source = sold.source and versions.product_id = sold.product_id
    left join tiers on versions.tier = tiers.code
    left join bases on versions.validity_basis = bases.code
)

select * from labelled
order by source, product_id, valid_from_on
