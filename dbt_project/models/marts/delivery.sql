{{ config(location=var('run_dir') ~ '/marts/delivery.parquet') }}

with

row_account as (
    select * from {{ ref('row_account') }}
),

-- A file sent again under its own name counts with it. Neither hash nor record number is kept: the same rows in
-- another order are the same delivery.
files as (
    select
        source,
        extract,
        delivered_on,
        file,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        count(*) as deliveries,
        cast(sum(rows_in) as bigint) as rows_in,
        cast(sum(accepted) as bigint) as accepted,
        cast(sum(duplicate) as bigint) as duplicate,
        cast(sum(superseded) as bigint) as superseded,
        cast(sum(anonymous) as bigint) as anonymous,
        cast(sum(quarantined) as bigint) as quarantined
    from row_account
    group by source, extract, delivered_on, file
)

select * from files
order by source, extract, delivered_on, file
