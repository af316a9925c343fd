{{ config(materialized='table') }}

{{ repeated_rows('fxiaoke', 'sales_order_products') }}
