{{ config(materialized='table') }}

{{ repeated_rows('standard', 'campaign_touches') }}
