{{ config(materialized='parquet_file', location=var('run_dir') ~ '/features/identity_report.parquet') }}

with

{{ identity_ctes() }},

steps as (
    select
        cast(null as integer) as step,
        cast(null as varchar) as rule,
        cast(null as varchar) as source,
        cast(null as varchar) as other_source,
        cast(null as bigint) as with_value,
        cast(null as bigint) as other_with_value,
        cast(null as bigint) as linked,
        cast(null as bigint) as linked_before,
        cast(null as bigint) as ambiguous,
        cast(null as bigint) as refused
    where false
    {%- for step in identity_steps() %}
    union all
    select
        {{ loop.index }} as step,
        '{{ step.rule }}' as rule,
        '{{ step.source }}' as source,
        '{{ step.other }}' as other_source,
        (select count({{ step.rule }}) from people_0 where source = '{{ step.source }}') as with_value,
        (select count({{ step.rule }}) from people_0 where source = '{{ step.other }}') as other_with_value,
        (
            select count(*) from found_{{ loop.index }}
            where is_unique and person <> other_person
                and shared_value not in (select shared_value from refused_{{ loop.index }})
        ) as linked,
        (select count(*) from found_{{ loop.index }} where is_unique and person = other_person) as linked_before,
        (select count(*) from found_{{ loop.index }} where not is_unique) as ambiguous,
        (select count(*) from refused_{{ loop.index }}) as refused
    {%- endfor %}
)

select * from steps
order by step
