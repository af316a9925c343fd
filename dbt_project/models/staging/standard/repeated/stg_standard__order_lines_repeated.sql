{{ config(materialized='table') }}

{{ repeated_rows('standard', 'order_lines') }}
