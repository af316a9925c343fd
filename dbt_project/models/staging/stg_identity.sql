{{ config(materialized='table') }}

with

{{ identity_ctes() }}

select
    source,
    source_customer_id,
    person as customer_id
from people_{{ identity_steps() | length }}
