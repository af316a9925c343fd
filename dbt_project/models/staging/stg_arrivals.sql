{#
    Which extract fills which entity, so that features can tell "nothing happened" from "never told".
#}
{{ config(materialized='table') }}

with

deliveries as (
    select * from {{ source('run', 'deliveries') }}
),

entities as (
    select
        column0 as source,
        column1 as extract,
        column2 as entity
    from (
        values
        ('complete_journey', 'demographics', 'customers'),
        ('complete_journey', 'products', 'products'),
        ('complete_journey', 'returns', 'returns'),
        ('complete_journey', 'feedback', 'feedback'),
        ('complete_journey', 'survey_responses', 'survey_responses'),
        ('complete_journey', 'campaign_households', 'campaigns'),
        ('complete_journey', 'coupon_redemptions', 'coupons'),
        -- one extract holds sales, returns and categories there
        ('bench', 'lines', 'products'),
        ('bench', 'lines', 'returns')
    ) as entity_list (column0, column1, column2)
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
