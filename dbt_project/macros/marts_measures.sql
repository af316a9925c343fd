{# One row per measure of `measures` (name → aggregate expression) over `relation`: table_name, measure, subject, value. #}
{% macro marts_measures(table_name, relation, measures, subject="''") -%}
    select
        '{{ table_name }}' as table_name,
        unnest(['{{ measures.keys() | join("', '") }}']) as measure,
        {{ subject }} as subject,
        unnest([
            {%- for expression in measures.values() %}
            cast({{ expression }} as double){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as value
    from {{ relation }}
{%- endmacro %}


{# A share of a whole to four decimals; null where there is no whole. #}
{% macro marts_rate(part, whole) -%}
    cast(round(cast({{ part }} as double) / nullif({{ whole }}, 0), 4) as decimal(9, 4))
{%- endmacro %}
