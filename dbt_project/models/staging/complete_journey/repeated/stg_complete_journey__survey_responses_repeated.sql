{{ config(materialized='table') }}

{{ repeated_rows('complete_journey', 'survey_responses') }}
