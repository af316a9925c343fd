{{ config(location=var('run_dir') ~ '/marts/reconciliation.parquet', alias='reconciliation') }}

with

files as (
    select * from {{ ref('feat_reconciliation') }}
),

-- beyond the files: customers and their life's net, in features and in what is shown of them
features as (
    select
        '*' as source,
        '*' as extract,
        {{ marts_known_on() }} as delivered_on,
        '*' as file,
        'customer_features' as layer,
        count(*) as rows,
        cast(coalesce(sum(net_life), 0) as decimal(18, 2)) as amount
    from {{ ref('customer_features') }}
),

shown as (
    select
        '*' as source,
        '*' as extract,
        {{ marts_known_on() }} as delivered_on,
        '*' as file,
        'published' as layer,
        count(*) as rows,
        cast(coalesce(sum(net_life), 0) as decimal(18, 2)) as amount
    from {{ ref('customer_360') }}
),

layers as (
    select * from files
    union all
    select * from features
    union all
    select * from shown
),

dated as (
    select
        source,
        extract,
        delivered_on,
        file,
        layer,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        rows,
        amount
    from layers
)

select * from dated
order by source, extract, delivered_on, file, layer
