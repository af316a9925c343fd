{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke_export', 'returned_goods') }}
