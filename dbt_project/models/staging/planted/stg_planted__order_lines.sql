{{ config(materialized='table') }}

{{ order_lines_from_contract('planted') }}
