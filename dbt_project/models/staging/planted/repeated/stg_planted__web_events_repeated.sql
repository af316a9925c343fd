{{ config(materialized='table') }}

{{ repeated_rows('planted', 'web_events') }}
