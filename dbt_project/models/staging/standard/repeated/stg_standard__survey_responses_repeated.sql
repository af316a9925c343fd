{{ config(materialized='table') }}

{{ repeated_rows('standard', 'survey_responses') }}
