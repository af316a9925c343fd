{{ config(location=var('run_dir') ~ '/marts/geo_coverage.parquet') }}

with

customers as (
    select
        coalesce(geo_basis, 'none') as geo_basis,
        coalesce(city_match, 'none') as city_match,
        city,
        count(*) as customers
    from {{ ref('customer_features') }}
    group by all
),

bases as (
    {{ marts_labels('geo_segment', 'geo_basis') }}
),

matches as (
    {{ marts_labels('geo_segment', 'city_match') }}
),

-- a name few customers gave may be no city but something typed into its field: those are told together
told as (
    select
        geo_basis,
        city_match,
        case when customers >= {{ var('min_cell_customers') }} then city end as city,
        customers
    from customers
),

counted as (
    select
        geo_basis,
        city_match,
        coalesce(city, '*') as city,
        count(*) as names,
        sum(customers) as customers
    from told
    group by geo_basis, city_match, coalesce(city, '*')
),

labelled as (
    select
        counted.geo_basis,
        counted.city_match,
        counted.city,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        bases.label_zh as geo_basis_label_zh,
        bases.label_en as geo_basis_label_en,
        matches.label_zh as city_match_label_zh,
        matches.label_en as city_match_label_en,
        counted.names,
        cast(counted.customers as bigint) as customers,
        cast(round(counted.customers / sum(counted.customers) over (), 6) as decimal(9, 6)) as share
    from counted
    left join bases on counted.geo_basis = bases.code
    left join matches on counted.city_match = matches.code
)

select * from labelled
order by geo_basis, city_match, city
