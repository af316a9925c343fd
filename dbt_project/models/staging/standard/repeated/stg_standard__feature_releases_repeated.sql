{{ config(materialized='table') }}

{{ repeated_rows('standard', 'feature_releases') }}
