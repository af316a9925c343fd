{{ config(materialized='table') }}

{{ repeated_rows('planted', 'social') }}
