{{ config(materialized='table') }}

{{ repeated_rows('standard', 'web_events') }}
