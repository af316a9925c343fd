{# The days being built: one for a daily run, several for training, from the same SQL. One row per as_of. #}
{% macro as_of_dates() -%}
    {%- for day in var('as_of_dates') %}
    select
        cast('{{ day.as_of }}' as date) as as_of,
        cast('{{ day.known_on }}' as date) as known_on
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# True when a version of a row was the one known on the day's known_on. #}
{% macro is_known(row, day) -%}
    {{ row }}.known_from_on <= {{ day }}.known_on and {{ day }}.known_on < {{ row }}.known_until_on
{%- endmacro %}

{# Whole days from an earlier date to a later one. #}
{% macro days_between(earlier, later) -%}
    cast({{ later }} - {{ earlier }} as integer)
{%- endmacro %}
