{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke', 'products') }}
