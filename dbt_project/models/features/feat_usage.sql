{{ config(materialized='view') }}

-- no source delivers usage events yet: nothing is known, and the coverage says so
with

customers as (
    select
        as_of,
        customer_id,
        cast(null as bigint) as usage_days_30d,
        cast(null as date) as last_used_on,
        cast(0 as double) as usage_coverage
    from {{ ref('feat_customer') }}
)

select * from customers
