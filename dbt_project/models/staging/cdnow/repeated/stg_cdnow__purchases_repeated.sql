{{ config(materialized='table') }}

{{ repeated_rows('cdnow', 'purchases') }}
