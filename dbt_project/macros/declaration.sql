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
    {%- if file_zone == var('time_zone') -%}
        cast({{ column }} as timestamp)
    {%- else -%}
        cast(cast({{ column }} as timestamp) at time zone '{{ file_zone }}' at time zone '{{ var("time_zone") }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
