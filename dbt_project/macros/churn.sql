{# The day being run: the last of as_of_dates. The days before it are cut-offs a model learns from. #}
{% macro day_being_run() -%}
    cast('{{ var("as_of_dates")[-1].as_of }}' as date)
{%- endmacro %}

{# Days without an order after which a customer was lost: thresholds.churn.horizon_days, given with every run. #}
{% macro churn_horizon_days() -%}
    {{ var('churn_horizon_days', 90) }}
{%- endmacro %}
