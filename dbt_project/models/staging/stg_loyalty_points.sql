{{ config(materialized='view') }}

{{ union_of_sources('loyalty_points') }}
