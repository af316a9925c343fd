{#
    The rows of an extract with the money of each, as its declaration's `amount` says over the declared columns in their
    declared types: raw is reconciled with staging by an expression staging does not share.
#}
{% macro row_amounts(source_name, extract, rows, more=[]) -%}
    {%- set types = declared_extract(source_name, extract).columns -%}
    {%- set is_text = declared(source_name, extract, 'format') != 'parquet' -%}
    select
        _content,
        {%- for name in more %}
        {{ name }},
        {%- endfor %}
        cast({{ declared(source_name, extract, 'amount') or 0 }} as decimal(18, 2)) as amount
    from (
        select
            _content
            {%- for name in more %},
            {{ name }}
            {%- endfor %}
            {%- for name, column in types.items() %},
            {{ sent_date(text(name) if is_text else name, source_name, extract, column.data_type or 'varchar') }} as {{ name }}
            {%- endfor %}
        from {{ rows }}
    ) as typed
{%- endmacro %}
