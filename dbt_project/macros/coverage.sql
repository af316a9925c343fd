{#
    Share of a section's columns that are known for a customer, to four decimals. `always` columns are known
    whenever the section is; each condition adds its number of columns when it holds.
#}
{% macro share_known(always, conditions) -%}
    {%- set total = (conditions.values() | sum) + always -%}
    round(
        cast(
            {{ always }}
            {%- for condition, columns in conditions.items() %}
            + case when {{ condition }} then {{ columns }} else 0 end
            {%- endfor %}
            as double
        ) / {{ total }},
        4
    )
{%- endmacro %}
