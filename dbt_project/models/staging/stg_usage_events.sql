{{ config(materialized='view') }}

{{ union_of_sources('usage_events') }}
