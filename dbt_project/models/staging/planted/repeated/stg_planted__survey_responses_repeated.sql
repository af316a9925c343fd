{{ config(materialized='table') }}

{{ repeated_rows('planted', 'survey_responses') }}
