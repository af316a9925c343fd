{{ config(enabled='bench' in var('enabled_sources'), materialized='table') }}

{{ repeated_rows('bench', 'lines') }}
