{{ config(materialized='view') }}

{{ union_of_sources('order_lines') }}
