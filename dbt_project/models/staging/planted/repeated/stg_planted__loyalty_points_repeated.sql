{{ config(materialized='table') }}

{{ repeated_rows('planted', 'loyalty_points') }}
