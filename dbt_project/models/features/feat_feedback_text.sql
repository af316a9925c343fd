{{ config(materialized='view') }}

select * from {{ source('read', 'feedback_text') }}
