{{ config(materialized='table') }}

{{ repeated_rows('planted', 'feature_releases') }}
