{# Months since year 0: whole numbers that follow one another, so a year before is twelve less. #}
{% macro month_number(day) -%}
    cast(year({{ day }}) * 12 + month({{ day }}) - 1 as integer)
{%- endmacro %}

{# The first day of a month given by its number. #}
{% macro month_start(number) -%}
    make_date(({{ number }}) // 12, ({{ number }}) % 12 + 1, 1)
{%- endmacro %}
