{# Years from '45-54' (the middle, 49.5), '65+' (65) or '37'; null when it is none of them. #}
{% macro bracket_midpoint(column) -%}
    case
        when regexp_matches({{ column }}, '^[0-9]+-[0-9]+$')
            then cast(
                (cast(split_part({{ column }}, '-', 1) as integer) + cast(split_part({{ column }}, '-', 2) as integer)) * 0.5
                as decimal(4, 1)
            )
        when regexp_matches({{ column }}, '^[0-9]+[+]?$')
            then cast(replace({{ column }}, '+', '') as decimal(4, 1))
    end
{%- endmacro %}

{# young below 35, middle 35 to 59, senior from 60: 青年 / 中年 / 老年. #}
{% macro age_band(age) -%}
    case
        when {{ age }} < 35 then 'young'
        when {{ age }} < 60 then 'middle'
        when {{ age }} >= 60 then 'senior'
    end
{%- endmacro %}
