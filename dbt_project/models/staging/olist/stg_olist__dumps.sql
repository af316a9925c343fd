{{ config(materialized='table') }}

{%- set extracts = [
    'customers', 'orders', 'order_items', 'order_payments', 'order_reviews', 'products', 'category_translation',
] %}

with

delivery_days as (
    {%- for extract in extracts %}
    select _delivered_on from {{ ref('raw_olist__' ~ extract) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

dumps as (
    select
        _delivered_on as known_from_on,
        coalesce(lead(_delivered_on) over (order by _delivered_on), cast('9999-12-31' as date)) as known_until_on
    from delivery_days
    group by _delivered_on
)

select * from dumps
