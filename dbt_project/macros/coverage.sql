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

{# Mean of a column of four decimals; summed as decimals it does not depend on the order of the rows. #}
{% macro exact_mean(column) -%}
    round(cast(sum(cast({{ column }} as decimal(9, 4))) as double) / count(*), 6)
{%- endmacro %}

{# Share of the rows in which a column is null. #}
{% macro null_share(column) -%}
    round(cast(count(*) filter (where {{ column }} is null) as double) / count(*), 6)
{%- endmacro %}

{# Of the profiles of one person the freshest value of a field that is there; the source's name breaks a tie. #}
{% macro freshest(field) -%}
    first({{ field }} order by updated_on desc nulls last, source asc) filter (where {{ field }} is not null) as {{ field }}
{%- endmacro %}
