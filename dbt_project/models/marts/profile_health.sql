{{ config(location=var('run_dir') ~ '/marts/profile_health.parquet') }}

with

health as (
    select *
    from {{ ref('feat_profile_health') }}
    where as_of = {{ marts_as_of() }}
),

fields as (
    {{ marts_labels('profile_health', 'field') }}
),

labelled as (
    select
        health.source,
        health.account_owner,
        health.field,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        fields.label_zh as field_label_zh,
        fields.label_en as field_label_en,
        health.customers,
        health.filled,
        cast(round(health.filled / nullif(health.customers, 0), 6) as decimal(9, 6)) as filled_share,
        health.stale_customers,
        cast(
            case when health.field = 'updated_on' then round(health.stale_customers / nullif(health.filled, 0), 6) end
            as decimal(9, 6)
        ) as stale_share,
        health.owner_conflicts
    from health
    left join fields on health.field = fields.code
)

select * from labelled
order by source, account_owner, field
