{{ config(materialized='table') }}

{{ repeated_rows('planted', 'order_lines') }}
