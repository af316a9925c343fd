{{ config(materialized='table') }}

{# Which extract fills which entity: features must tell "nothing happened" from "never told". The benchmark's
   lines hold sales, returns and categories at once. #}
{%- set fills = [
    ('complete_journey', 'demographics', 'customers'),
    ('complete_journey', 'products', 'products'),
    ('complete_journey', 'returns', 'returns'),
    ('complete_journey', 'feedback', 'feedback'),
    ('complete_journey', 'survey_responses', 'survey_responses'),
    ('complete_journey', 'campaign_households', 'campaigns'),
    ('complete_journey', 'coupon_redemptions', 'coupons'),
    ('bench', 'lines', 'products'),
    ('bench', 'lines', 'returns'),
] %}

with

deliveries as (
    select * from {{ source('run', 'deliveries') }}
),

entities as (
    {%- for source_name, extract, entity in fills %}
    select
        '{{ source_name }}' as source,
        '{{ extract }}' as extract,
        '{{ entity }}' as entity
    {%- if not loop.last %}
    union all
    {%- endif %}
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
