{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke_export', 'sales_order_products') }}
