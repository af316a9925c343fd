{{ config(materialized='table') }}

{{ repeated_rows('bench', 'lines') }}
