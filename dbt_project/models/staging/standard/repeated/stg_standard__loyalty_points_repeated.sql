{{ config(materialized='table') }}

{{ repeated_rows('standard', 'loyalty_points') }}
