{{ config(materialized='table') }}

{{ repeated_rows('olist', 'category_translation') }}
