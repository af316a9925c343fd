{# Money from whole cents: at most 15 digits of them, so that the product stays a 64-bit decimal(18, 2). #}
{% macro cents(expression) -%}
    cast(cast({{ expression }} as decimal(15, 0)) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
{%- endmacro %}
