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
        {%- for verdict in ['rows_in', 'accepted', 'duplicate', 'superseded', 'anonymous', 'quarantined'] %}
        cast(sum({{ verdict }}) as bigint) as {{ verdict }}{{ ',' if not loop.last }}
        {%- endfor %}
    from row_account
    group by source, extract, delivered_on, file
)

select * from files
order by source, extract, delivered_on, file
