{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke', 'returned_goods') }}
