{{ config(materialized='table') }}

{{ repeated_rows('planted', 'service_tickets') }}
