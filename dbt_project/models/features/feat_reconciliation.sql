{{ config(materialized='parquet_file', location=var('run_dir') ~ '/features/feat_reconciliation.parquet') }}

{#- Extracts whose rows carry money (`amount` of the declaration), with the entities the money goes into. -#}
{%- set told = [] -%}
{%- for source_name, extracts in var('extracts').items() -%}
    {%- for extract in extracts -%}
        {%- set entities = [] -%}
        {%- for entity in ('order_lines', 'returns') if [source_name, extract] in var('fills').get(entity, []) -%}
            {%- do entities.append(entity) -%}
        {%- endfor -%}
        {%- if entities and (declared(source_name, extract, 'amount') or not execute) -%}
            {%- do told.append({'source': source_name, 'extract': extract, 'entities': entities}) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
{%- for each in told if execute -%}
    {%- for entity in each.entities -%}
        {%- set staged = ref('stg_' ~ each.source ~ '__' ~ entity) -%}
        {%- if 'delivery' not in adapter.get_columns_in_relation(staged) | map(attribute='name') | list -%}
            {#- only while a model is built there is a table to ask -#}
            {%- if flags.WHICH == 'build' -%}
                {{ exceptions.raise_compiler_error(
                    staged.identifier ~ " must give `delivery` (versions() has it): the money of " ~ each.extract
                    ~ " is reconciled file by file, as its declaration has an `amount`"
                ) }}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
{%- endfor -%}
{%- set day = (var('as_of_dates') | sort(attribute='known_on') | list)[-1] %}

with

-- of several days being built the one that sees all of raw
as_of_dates as (
    select
        cast('{{ day.as_of }}' as date) as as_of,
        cast('{{ day.known_on }}' as date) as known_on
),

row_account as (
    select * from {{ ref('row_account') }}
),

amounts as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as extract,
        cast(null as varchar) as content,
        cast(null as varchar) as layer,
        cast(null as bigint) as rows,
        cast(null as decimal(18, 2)) as amount
    where false
    {%- for each in told %}
    union all
    select
        '{{ each.source }}' as source,
        '{{ each.extract }}' as extract,
        _content as content,
        'raw' as layer,
        count(*) as rows,
        cast(sum(amount) as decimal(18, 2)) as amount
    from ({{ row_amounts(each.source, each.extract, ref('raw_' ~ each.source ~ '__' ~ each.extract)) }}) as sent
    group by _content
    union all
    select
        '{{ each.source }}' as source,
        '{{ each.extract }}' as extract,
        _content as content,
        verdict as layer,
        count(*) as rows,
        cast(sum(amount) as decimal(18, 2)) as amount
    from (
        {{ row_amounts(
            each.source, each.extract, ref('stg_' ~ each.source ~ '__' ~ each.extract ~ '_repeated'), ['verdict']
        ) }}
    ) as passed_over
    where verdict <> 'accepted'
    group by _content, verdict
    {%- endfor %}
),

-- The money staging knows now, by the file it came with, in the source's own currency; a return takes it away where
-- sales come in the same file.
staged as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as extract,
        cast(null as varchar) as content,
        cast(null as varchar) as layer,
        cast(null as bigint) as rows,
        cast(null as decimal(18, 2)) as amount
    where false
    {%- for each in told %}
    {%- if 'order_lines' in each.entities %}
    union all
    select
        '{{ each.source }}' as source,
        '{{ each.extract }}' as extract,
        lines.delivery as content,
        case
            when lines.ordered_on >= as_of_dates.as_of then 'after_as_of'
            when uncounted.order_id is not null then 'not_counted'
            when lines.customer_id is null then 'anonymous'
            else 'features'
        end as layer,
        count(*) as rows,
        cast(sum(lines.net_amount) as decimal(18, 2)) as amount
    from {{ ref('stg_' ~ each.source ~ '__order_lines') }} as lines
    inner join as_of_dates on {{ is_known('lines', 'as_of_dates') }}
    left join {{ ref('feat_order_uncounted') }} as uncounted
        on as_of_dates.as_of = uncounted.as_of
            and uncounted.source = '{{ each.source }}'
            and cast(lines.order_id as {{ id_type() }}) = uncounted.order_id
    group by lines.delivery, layer
    {%- endif %}
    {%- if 'returns' in each.entities %}
    union all
    select
        '{{ each.source }}' as source,
        '{{ each.extract }}' as extract,
        returns.delivery as content,
        'returns' as layer,
        count(*) as rows,
        cast({{ '-' if each.entities | length > 1 }}sum(returns.amount) as decimal(18, 2)) as amount
    from {{ ref('stg_' ~ each.source ~ '__returns') }} as returns
    inner join as_of_dates on {{ is_known('returns', 'as_of_dates') }}
    group by returns.delivery
    {%- endif %}
    {%- endfor %}
),

-- several extracts may fill one entity: each file's money is told once, with the extract it belongs to
staged_of_extract as (
    select staged.*
    from staged
    semi join amounts
        on staged.source = amounts.source and staged.extract = amounts.extract and staged.content = amounts.content
),

together as (
    select * from amounts
    union all
    select * from staged_of_extract
),

-- what raw holds and neither a repeat nor staging explains: left out on purpose, or lost
left_out as (
    select
        source,
        extract,
        content,
        'left_out' as layer,
        sum(case when layer = 'raw' then rows else -rows end) as rows,
        sum(case when layer = 'raw' then amount else -amount end) as amount
    from together
    group by source, extract, content
    having sum(case when layer = 'raw' then rows else -rows end) <> 0
        or sum(case when layer = 'raw' then amount else -amount end) <> 0
),

quarantined as (
    select
        source,
        extract,
        content,
        'quarantine' as layer,
        quarantined as rows,
        cast(null as decimal(18, 2)) as amount
    from row_account
    where quarantined > 0
),

layers as (
    select * from together
    union all
    select * from left_out
    union all
    select * from quarantined
),

files as (
    select
        source,
        extract,
        content,
        min(delivered_on) as delivered_on,
        min(file) as file
    from row_account
    group by source, extract, content
),

named as (
    select
        layers.source,
        layers.extract,
        files.delivered_on,
        files.file,
        layers.layer,
        cast(sum(layers.rows) as bigint) as rows,
        cast(sum(layers.amount) as decimal(18, 2)) as amount
    from layers
    inner join files
        on layers.source = files.source and layers.extract = files.extract and layers.content = files.content
    group by layers.source, layers.extract, files.delivered_on, files.file, layers.layer
)

select * from named
order by source, extract, delivered_on, file, layer
