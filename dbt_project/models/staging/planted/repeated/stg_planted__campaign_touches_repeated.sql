{{ config(materialized='table') }}

{{ repeated_rows('planted', 'campaign_touches') }}
