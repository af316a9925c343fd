{#
    Coefficient of variation of whole numbers from their count, sum and sum of squares: the standard deviation over the
    mean, null below two. Sums of whole numbers are exact, so it does not depend on the order of the rows.
#}
{% macro variation(n, total, squares) -%}
    round(
        sqrt(cast(({{ n }} * {{ squares }} - {{ total }} * {{ total }}) * {{ n }} as double) / nullif({{ n }} - 1, 0))
        / nullif({{ total }}, 0),
        4
    )
{%- endmacro %}
