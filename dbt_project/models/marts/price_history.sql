{{ config(location=var('run_dir') ~ '/marts/price_history.parquet') }}

with

versions as (
    select *
    from {{ ref('feat_product_version') }}
    where as_of = {{ marts_as_of() }}
),

-- a new name or a new tier is no new price
compared as (
    select
        source,
        product_id,
        list_price,
        valid_from_on,
        valid_to_on,
        validity_basis,
        lag(list_price) over product_versions as previous_list_price,
        (
            row_number() over product_versions = 1
            or (list_price is distinct from lag(list_price) over product_versions)
            or lag(valid_to_on) over product_versions < valid_from_on - 1
        ) as is_new
    from versions
    window product_versions as (partition by source, product_id order by valid_from_on)
),

numbered as (
    select
        *,
        sum(cast(is_new as integer)) over (
            partition by source, product_id order by valid_from_on rows between unbounded preceding and current row
        ) as price_version
    from compared
),

prices as (
    select
        source,
        product_id,
        price_version,
        min(valid_from_on) as valid_from_on,
        max(valid_to_on) as valid_to_on,
        min(validity_basis) as validity_basis,
        min(list_price) as list_price,
        min(previous_list_price) filter (where is_new) as previous_list_price
    from numbered
    where list_price is not null
    group by source, product_id, price_version
),

bases as (
    {{ marts_labels('product', 'validity_basis') }}
),

labelled as (
    select
        prices.source,
        cast(prices.product_id as varchar) as product_id,
        prices.valid_from_on,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        prices.valid_to_on,
        {{ marts_as_of() }} - 1 between prices.valid_from_on and prices.valid_to_on as is_current,
        prices.validity_basis,
        bases.label_zh as validity_basis_label_zh,
        bases.label_en as validity_basis_label_en,
        cast(prices.list_price as decimal(18, 2)) as list_price,
        cast(prices.previous_list_price as decimal(18, 2)) as previous_list_price,
        cast(
            round((prices.list_price - prices.previous_list_price) / nullif(prices.previous_list_price, 0), 6)
            as decimal(18, 6)
        ) as price_change
    from prices
    left join bases on prices.validity_basis = bases.code
)

select * from labelled
order by source, product_id, valid_from_on
