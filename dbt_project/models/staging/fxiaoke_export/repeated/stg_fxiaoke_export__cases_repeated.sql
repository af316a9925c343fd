{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke_export', 'cases') }}
