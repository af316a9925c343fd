{{ config(materialized='parquet_file', location=var('run_dir') ~ '/features/owner_conflicts.parquet') }}

with

owned as (
    select
        customer_id,
        source,
        account_owner,
        coalesce(account_owner_since_on, updated_on) as since_on
    from {{ ref('stg_customers') }}
    where account_owner is not null
        and known_from_on <= cast('{{ var("known_on") }}' as date)
        and cast('{{ var("known_on") }}' as date) < known_until_on
),

-- who was there first stands first; where nobody says since when, the name decides
conflicts as (
    select
        cast(one.customer_id as varchar) as customer_id,
        one.source,
        one.account_owner,
        one.since_on,
        another.source as other_source,
        another.account_owner as other_owner,
        another.since_on as other_since_on
    from owned as one
    inner join owned as another
        on one.customer_id = another.customer_id and one.account_owner <> another.account_owner
    where (coalesce(one.since_on, date '9999-12-31'), one.source, one.account_owner)
        < (coalesce(another.since_on, date '9999-12-31'), another.source, another.account_owner)
)

select * from conflicts
order by all
