{{ config(materialized='table') }}

with

deliveries as (
    select * from {{ source('run', 'deliveries') }}
),

-- which extract tells of which entity: features must tell "nothing happened" from "never told"
entities as (
    select
        cast(null as varchar) as entity,
        cast(null as varchar) as source,
        cast(null as varchar) as extract
    where false
    {%- for entity, fillings in var('fills').items() %}
    {%- for source_name, extract in fillings %}
    union all
    select
        '{{ entity }}' as entity,
        '{{ source_name }}' as source,
        '{{ extract }}' as extract
    {%- endfor %}
    {%- endfor %}
),

arrivals as (
    select
        entities.entity,
        min(deliveries.delivered_on) as first_delivered_on
    from deliveries
    inner join entities
        on deliveries.source = entities.source and deliveries.extract = entities.extract
    where deliveries.status <> 'set_aside'
    group by entities.entity
)

select * from arrivals
