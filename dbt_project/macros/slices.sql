{# The values a model is built by, one after the other; none where it is short enough to be built at once. #}
{% macro slices_of(slices) -%}
    {%- if not slices -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set rows = source(slices.of[0], slices.of[1]) -%}
    {%- if run_query('select count(*) from ' ~ rows).rows[0][0] <= var('slice_from_rows', 20000000) -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set values = run_query('select distinct ' ~ slices.by ~ ' from ' ~ rows ~ ' order by 1') -%}
    {{ return(values.columns[0].values() | list) }}
{%- endmacro %}

{# True for the rows of the slice that is being built, and for all where none is. #}
{% macro in_slice(column) -%}
    (getvariable('slice') is null or {{ column }} = getvariable('slice'))
{%- endmacro %}
