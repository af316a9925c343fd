{{ config(materialized='table') }}

{{ repeated_rows('olist', 'customers') }}
