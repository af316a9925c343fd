{{ config(materialized='table') }}

{{ zoho_crm_order_lines('zoho_crm_export') }}
