{{ config(materialized='table') }}

{{ repeated_rows('complete_journey', 'campaign_households') }}
