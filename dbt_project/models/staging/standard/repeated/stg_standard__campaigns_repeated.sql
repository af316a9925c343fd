{{ config(materialized='table') }}

{{ repeated_rows('standard', 'campaigns') }}
