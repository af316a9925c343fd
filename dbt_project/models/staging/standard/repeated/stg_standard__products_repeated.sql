{{ config(materialized='table') }}

{{ repeated_rows('standard', 'products') }}
