{# A table that is one Parquet file: the query is copied straight to `location`, and a view reads it back.

   dbt-duckdb's own `external` first fills a table and then copies that, which is twice the work on tables as long as
   the customer base, and writes a row of nulls where there are no rows. A contract is enforced here as there: same
   columns, same types, in the order of the YAML.

   slices   {'of': [source, table], 'by': column}: for a query too long to be sorted in memory. With more than
            `slice_from_rows` rows in that table (100 million are beyond 4 GB) the query is run once for each value of
            the column, which has to be the first it is ordered by, and asks `in_slice()` for its rows; the parts are
            then one file, in order. #}
{% materialization parquet_file, adapter='duckdb' %}

    {%- set location = config.require('location') -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set query = sql -%}
    {%- if config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
        {%- set query = get_select_subquery(sql) -%}
    {%- endif -%}

    {%- set values = slices_of(config.get('slices')) -%}
    {%- set parts = [] -%}
    {%- for value in values %}
    {%- set part = var('run_dir') ~ '/spill/' ~ this.identifier ~ '-' ~ loop.index ~ '.parquet' -%}
    {%- do parts.append("'" ~ part | replace("'", "''") ~ "'") -%}
    {% call statement('slice_' ~ loop.index) -%}
        set variable slice = '{{ value | replace("'", "''") }}';
        copy (
            {{ query }}
        ) to {{ parts[-1] }} (format parquet, compression zstd)
    {%- endcall %}
    {%- endfor %}
    {%- if parts -%}
        {%- set query = 'select * from read_parquet([' ~ parts | join(', ') ~ '], hive_partitioning = false)' -%}
    {%- endif %}

    {% call statement('main') -%}
        {%- if config.get('slices') %}
        reset variable slice;
        {%- endif %}
        copy (
            {{ query }}
        ) to '{{ location | replace("'", "''") }}' (format parquet, compression zstd)
    {%- endcall %}

    {% if existing_relation is not none and existing_relation.type != 'view' %}
        {{ drop_relation_if_exists(existing_relation) }}
    {% endif %}
    {% call statement('view') -%}
        {#- the run's folder may be named like a partition; a column is never taken from a path -#}
        create or replace view {{ target_relation }} as (
            select * from read_parquet('{{ location | replace("'", "''") }}', hive_partitioning = false)
        )
    {%- endcall %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}

{% endmaterialization %}
