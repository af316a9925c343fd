{{ config(materialized='parquet_file', location=var('run_dir') ~ '/features/row_account.parquet') }}

with

deliveries as (
    select * from {{ source('run', 'deliveries') }}
    where delivered_on <= cast('{{ var("known_on") }}' as date)
),

raw_rows as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as extract,
        cast(null as date) as delivered_on,
        cast(null as varchar) as file,
        cast(null as varchar) as content,
        cast(null as bigint) as raw_rows,
        cast(null as bigint) as anonymous_rows
    where false
    {%- for source_name, extracts in var('extracts').items() %}
    {%- for extract in extracts %}
    union all
    select
        '{{ source_name }}' as source,
        '{{ extract }}' as extract,
        _delivered_on as delivered_on,
        _file as file,
        _content as content,
        count(*) as raw_rows,
        {{ anonymous_rows(source_name, extract) }} as anonymous_rows
    from {{ ref('raw_' ~ source_name ~ '__' ~ extract) }}
    group by _delivered_on, _file, _content
    {%- endfor %}
    {%- endfor %}
),

-- rows of keys that were sent again and are not the ones seen now
passed_over as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as extract,
        cast(null as date) as delivered_on,
        cast(null as varchar) as file,
        cast(null as varchar) as content,
        cast(null as bigint) as duplicate_rows,
        cast(null as bigint) as superseded_rows,
        cast(null as bigint) as anonymous_rows
    where false
    {%- for source_name, extracts in var('extracts').items() %}
    {%- for extract in extracts %}
    union all
    select
        '{{ source_name }}' as source,
        '{{ extract }}' as extract,
        _delivered_on as delivered_on,
        _file as file,
        _content as content,
        count(*) filter (where verdict = 'duplicate') as duplicate_rows,
        count(*) filter (where verdict = 'superseded') as superseded_rows,
        {{ anonymous_rows(source_name, extract) }} as anonymous_rows
    from {{ ref('stg_' ~ source_name ~ '__' ~ extract ~ '_repeated') }}
    where verdict <> 'accepted'
    group by _delivered_on, _file, _content
    {%- endfor %}
    {%- endfor %}
),

judged as (
    select
        raw_rows.*,
        coalesce(passed_over.duplicate_rows, 0) as duplicate_rows,
        coalesce(passed_over.superseded_rows, 0) as superseded_rows,
        raw_rows.anonymous_rows - coalesce(passed_over.anonymous_rows, 0) as accepted_anonymous_rows
    from raw_rows
    left join passed_over
        on raw_rows.source = passed_over.source
            and raw_rows.extract = passed_over.extract
            and raw_rows.delivered_on = passed_over.delivered_on
            and raw_rows.file = passed_over.file
            and raw_rows.content = passed_over.content
),

-- full: raw rows of a file without a receipt must show up as an account that does not add up, not vanish
accounted as (
    select
        coalesce(deliveries.source, judged.source) as source,
        coalesce(deliveries.extract, judged.extract) as extract,
        coalesce(deliveries.delivered_on, judged.delivered_on) as delivered_on,
        coalesce(deliveries.file, judged.file) as file,
        coalesce(deliveries.content, judged.content) as content,
        coalesce(deliveries.rows_in, 0) as rows_in,
        coalesce(
            judged.raw_rows - judged.duplicate_rows - judged.superseded_rows - judged.accepted_anonymous_rows, 0
        ) as accepted,
        coalesce(judged.duplicate_rows, 0)
        + case when deliveries.status = 'duplicate' then deliveries.rows_in else 0 end as duplicate,
        coalesce(judged.superseded_rows, 0) as superseded,
        coalesce(judged.accepted_anonymous_rows, 0) as anonymous,
        coalesce(deliveries.rows_quarantined, 0) as quarantined
    from deliveries
    full join judged
        on deliveries.source = judged.source
            and deliveries.extract = judged.extract
            and deliveries.delivered_on = judged.delivered_on
            and deliveries.file = judged.file
            and deliveries.content = judged.content
            and deliveries.status = 'accepted'
),

typed as (
    select
        source,
        extract,
        delivered_on,
        file,
        content,
        cast(rows_in as bigint) as rows_in,
        cast(accepted as bigint) as accepted,
        cast(duplicate as bigint) as duplicate,
        cast(superseded as bigint) as superseded,
        cast(anonymous as bigint) as anonymous,
        cast(quarantined as bigint) as quarantined
    from accounted
)

select * from typed
order by source, extract, delivered_on, file, content
