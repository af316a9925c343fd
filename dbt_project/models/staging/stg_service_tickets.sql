{{ config(materialized='view') }}

{{ union_of_sources('service_tickets') }}
