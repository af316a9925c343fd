{#
    The columns together identify a row, and none of them is null but those of `or_none`, where null is a value like any.
    One query where dbt's own tests take one a column.
#}
{% test unique_key(model, columns, or_none=[]) %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns if column not in or_none %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
