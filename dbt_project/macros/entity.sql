{#
    The canonical entity: the enabled sources' rows under one set of names and types. Zero rows when no enabled
    source has it, so that a model never asks whether it exists. A new source adds its name to the entity's list.
#}
{% macro union_of_sources(entity, sources, columns) %}
    select
        {%- for name, type in columns.items() %}
        cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    where false
    {%- for source_name in sources if source_name in var('enabled_sources') %}
    union all
    select
        {%- for name, type in columns.items() %}
        cast({{ name }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_' ~ source_name ~ '__' ~ entity) }}
    {%- endfor %}
{% endmacro %}

{#
    The type of customer, order, line and product ids inside staging and features. Grouping 10M lines by a number takes
    less than half the time of grouping them by text, so ids stay numbers while every enabled source numbers
    them (var numbered_sources); one source with textual ids makes them text. customer_features always gives text.
#}
{% macro id_type() -%}
    {%- set textual = [] -%}
    {%- for source_name in var('enabled_sources') if source_name not in var('numbered_sources') -%}
        {%- do textual.append(source_name) -%}
    {%- endfor -%}
    {{ return('varchar' if textual else 'bigint') }}
{%- endmacro %}

{# Text as sent, without the blanks around it; nothing but blanks is nothing. #}
{% macro text(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}
