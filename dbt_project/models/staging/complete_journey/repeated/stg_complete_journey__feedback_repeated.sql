{{ config(enabled='complete_journey' in var('enabled_sources'), materialized='table') }}

{{ repeated_rows('complete_journey', 'feedback') }}
