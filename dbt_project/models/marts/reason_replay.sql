-- depends_on: {{ ref('reasons') }}

with

{% for scheme, table in marts_scheme_tables().items() %}
{{ scheme }}_replayed as (
    {{ marts_reason_replay(scheme, ref(table)) }}
){{ ',' if not loop.last }}

{% endfor %}

{% for scheme in marts_scheme_tables() %}
select * from {{ scheme }}_replayed
{{ 'union all' if not loop.last }}
{% endfor %}
order by scheme, customer_id
