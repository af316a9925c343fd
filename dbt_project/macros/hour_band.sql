{# The part of the day of a local instant: morning 6 to 11, noon 11 to 18, evening 18 to 24, night 0 to 6: 早 / 午 / 晚 / 夜. #}
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
