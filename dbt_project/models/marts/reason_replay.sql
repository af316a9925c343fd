-- depends_on: {{ ref('reasons') }}

with

{% for scheme, table in marts_scheme_tables().items() %}
{{ scheme }}_replayed as (
    {{ marts_reason_replay(scheme, ref(table)) }}
),

{% endfor %}
customer_value_replayed as (
    {{ marts_reason_replay('customer_value', '(select *, value_basis as segment_code from ' ~ ref('customer_value') ~ ')') }}
)

{% for scheme in marts_scheme_tables() %}
select * from {{ scheme }}_replayed
union all
{% endfor %}
select * from customer_value_replayed
order by scheme, customer_id
