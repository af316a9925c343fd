{# First, second or third, fourth to ninth, or later: how used to buying somebody is. #}
{% macro occasion_band(number) -%}
    case when {{ number }} = 1 then 1 when {{ number }} <= 3 then 2 when {{ number }} <= 9 then 3 else 4 end
{%- endmacro %}
