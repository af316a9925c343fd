{# The day fates are read off: given where only cut-offs are built, else the last of as_of_dates. #}
{% macro day_of_labels() -%}
    cast('{{ var("day_of_labels", none) or var("as_of_dates")[-1].as_of }}' as date)
{%- endmacro %}

{#
   Orders as the day of labels knows them. Where only cut-offs are built, in a schema beside it, these are the
   day's own, that were built before it.
#}
{% macro orders_of_labels() -%}
    {%- set orders = ref('feat_order') -%}
    {{ 'features.feat_order' if var('day_of_labels', none) else orders }}
{%- endmacro %}

{# Days without an order after which a customer was lost: thresholds.churn.horizon_days, given with every run. #}
{% macro churn_horizon_days() -%}
    {{ var('churn_horizon_days', 90) }}
{%- endmacro %}

{#
   True for the customers a model learns from. Where there are more than are needed these are the ones whose hash comes
   first: the same ones on every cut-off and in every month. A daily run has all of them.
#}
{% macro is_learned_from(customer_id) -%}
    {%- if var('customers_below', none) -%}
    substr(md5(cast({{ customer_id }} as varchar)), 1, 8) < '{{ var("customers_below") }}'
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
