{{ config(materialized='table') }}

{{ repeated_rows('standard', 'usage_events') }}
