{# Tests of whole tables: one scan per rule, not one per column. #}

{# The contract of a Parquet file enforces types, not nulls: this does. #}
{% test marts_never_null(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where
        {%- for column in columns %}
        {{ column }} is null{{ ' or' if not loop.last }}
        {%- endfor %}
{% endtest %}


{# Every code that is there has its words: columns maps a column to [scheme, kind] in labels. #}
{% test marts_codes_in_labels(model, columns) %}
    {% for column, place in columns.items() %}
    select
        '{{ column }}' as column_name,
        used.code
    from (
        select {{ column }} as code
        from {{ model }}
        group by {{ column }}
    ) as used
    left join {{ ref('labels') }} as labels
        on used.code = labels.code and labels.scheme = '{{ place[0] }}' and labels.kind = '{{ place[1] }}'
    where used.code is not null and labels.code is null
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endtest %}
