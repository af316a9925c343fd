{{ config(materialized='table') }}

{{ repeated_rows('olist', 'order_payments') }}
