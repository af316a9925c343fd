{{ config(materialized='table') }}

{{ repeated_rows('zoho_crm', 'pulls') }}
