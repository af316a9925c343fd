{{ config(materialized='table') }}

{{ union_of_sources('products') }}
