{{ config(materialized='table') }}

{{ fxiaoke_order_lines('fxiaoke_export') }}
