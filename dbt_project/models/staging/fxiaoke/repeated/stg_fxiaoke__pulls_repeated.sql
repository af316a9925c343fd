{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke', 'pulls') }}
