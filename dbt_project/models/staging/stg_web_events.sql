{{ config(materialized='view') }}

{{ union_of_sources('web_events') }}
