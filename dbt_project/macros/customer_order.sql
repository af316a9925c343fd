{#
    The order of everything that has one row per customer and day: that of the Parquet files, whose ids are text. Models in
    it can be laid side by side (positional join), which takes no memory however many they are.
#}
{% macro customer_order(of='') -%}
    cast({{ of }}customer_id as varchar), {{ of }}as_of
{%- endmacro %}

{# True where two rows side by side are of one customer and day; stops the build where they are not. #}
{% macro same_customer(one, other, model) -%}
    case
            when
                {{ one }}.customer_id is not distinct from {{ other }}.customer_id
                and {{ one }}.as_of is not distinct from {{ other }}.as_of
                then true
            else error('{{ model }} has not one row per customer, in their order')
        end
{%- endmacro %}
