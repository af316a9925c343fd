{{ config(materialized='table') }}

{{ repeated_rows('online_retail', 'invoice_lines') }}
