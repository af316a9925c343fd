{{ config(materialized='table') }}

{{ union_of_sources('campaign_touches') }}
