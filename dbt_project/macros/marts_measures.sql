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
