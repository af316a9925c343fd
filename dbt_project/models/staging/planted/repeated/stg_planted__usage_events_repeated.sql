{{ config(materialized='table') }}

{{ repeated_rows('planted', 'usage_events') }}
