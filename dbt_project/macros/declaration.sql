{#
    What models/raw/<source>/_<source>__sources.yml says about an extract. The loader and the gate read the same
    file, so key, load column, columns and zone are written once. While dbt only parses, the graph is not there
    yet: the answers are then placeholders of the right type.
#}
{% macro declared_extract(source_name, extract) %}
    {% if execute %}
        {% for node in graph.sources.values() %}
            {% if node.source_name == source_name and node.name == extract %}
                {{ return(node) }}
            {% endif %}
        {% endfor %}
        {{ exceptions.raise_compiler_error("no extract " ~ extract ~ " is declared for source " ~ source_name) }}
    {% endif %}
    {{ return({'columns': {'undeclared': {}}, 'config': {'meta': {'key': ['undeclared']}}, 'source_meta': {}}) }}
{% endmacro %}

{% macro declared_columns(source_name, extract) %}
    {{ return(declared_extract(source_name, extract).columns.keys() | list) }}
{% endmacro %}

{% macro declared(source_name, extract, entry) %}
    {{ return(declared_extract(source_name, extract).config.meta.get(entry)) }}
{% endmacro %}

{#
    A file's naive timestamp in the time zone of the settings. Same zone: no work, which matters at 100M lines.
#}
{% macro local_time(column, source_name, extract) -%}
    {%- set file_zone = declared(source_name, extract, 'time_zone') -%}
    {%- set instant = sent_date(column, source_name, extract, 'timestamp') -%}
    {%- if file_zone == var('time_zone') -%}
        {{ instant }}
    {%- else -%}
        cast({{ instant }} at time zone '{{ file_zone }}' at time zone '{{ var("time_zone") }}' as timestamp)
    {%- endif -%}
{%- endmacro %}

{#
    A sent day or instant as it stands in the file, read by the column's `date_format` where it declares one; raw
    holds nothing that does not fit. `column` may be qualified, or inside text().
#}
{% macro sent_date(column, source_name, extract, type='date') -%}
    {%- set format = date_format(column, source_name, extract) -%}
    {%- if format -%}
        {%- set sent = column if 'nullif(' in column else text(column) -%}
        cast(strptime({{ sent }}, '{{ format | replace("'", "''") }}') as {{ type }})
    {%- else -%}
        cast({{ column }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{# The declared format of a column; none for what is no column, and where raw has days already (Parquet). #}
{% macro date_format(column, source_name, extract) -%}
    {%- set name = column | trim -%}
    {%- if name[:12] == 'nullif(trim(' and name[-6:] == "), '')" -%}
        {%- set name = name[12:-6] -%}
    {%- endif -%}
    {%- if declared(source_name, extract, 'format') == 'parquet' -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(declared_of_column(name.split('.')[-1], source_name, extract, 'date_format')) }}
{%- endmacro %}

{% macro declared_of_column(name, source_name, extract, entry) -%}
    {%- for column_name, column in declared_extract(source_name, extract).columns.items() if column_name | lower == name | lower -%}
        {{ return((column.get('config') or {}).get('meta', {}).get(entry)) }}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}
