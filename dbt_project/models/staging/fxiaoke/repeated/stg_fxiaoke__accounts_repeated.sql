{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke', 'accounts') }}
