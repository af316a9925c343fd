{{ config(materialized='table') }}

{{ union_of_sources('survey_responses') }}
