{{ config(materialized='table') }}

{{ repeated_rows('standard', 'service_tickets') }}
