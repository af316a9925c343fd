{# The part of the day of a local instant: night 0 to 6, morning to 11, noon to 18, evening to 24: 夜 / 早 / 午 / 晚. #}
{% macro hour_band(instant) -%}
    case
        when hour({{ instant }}) < 6 then 'night'
        when hour({{ instant }}) < 11 then 'morning'
        when hour({{ instant }}) < 18 then 'noon'
        when hour({{ instant }}) < 24 then 'evening'
    end
{%- endmacro %}

{# The bands of hour_band, in the order of the day. #}
{% macro hour_bands() -%}
    {{ return(['morning', 'noon', 'evening', 'night']) }}
{%- endmacro %}
