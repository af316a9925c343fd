{# Statuses of an order that was bought and kept. A case, because DuckDB makes a join of an `in` list over 10M lines. #}
{% macro is_paid(status) -%}
    case {{ status }}
        when 'paid' then true
        when 'shipped' then true
        when 'delivered' then true
        when 'completed' then true
        when 'partially_refunded' then true
        else false
    end
{%- endmacro %}
