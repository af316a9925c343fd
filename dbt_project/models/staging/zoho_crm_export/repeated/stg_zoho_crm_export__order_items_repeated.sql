{{ config(materialized='table') }}

{{ repeated_rows('zoho_crm_export', 'order_items') }}
