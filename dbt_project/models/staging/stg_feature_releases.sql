{{ config(materialized='view') }}

{{ union_of_sources('feature_releases') }}
