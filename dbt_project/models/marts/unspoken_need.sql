{{ config(location=var('run_dir') ~ '/marts/unspoken_need.parquet') }}

with

evidence as (
    select
        cast(customer_id as varchar) as customer_id,
        evidence_kind,
        subject,
        times
    from {{ ref('feat_unspoken') }}
    where as_of = {{ marts_as_of() }}
),

grouped as (
    {{ marts_by_group('evidence', (var('survey_schemes') | list) + ['green_region']) }}
),

-- what few looked for is not told: a search may name a person
counted as (
    select
        evidence_kind,
        subject,
        scheme,
        segment_code,
        count(*) as customers,
        cast(sum(times) as bigint) as times
    from grouped
    group by evidence_kind, subject, scheme, segment_code
    having count(*) >= {{ var('min_cell_customers') }}
),

sizes as (
    {{ marts_group_sizes((var('survey_schemes') | list) + ['green_region']) }}
),

kind_words as (
    {{ marts_labels('unspoken_need', 'evidence_kind') }}
),

group_words as (
    {{ marts_group_words() }}
),

labelled as (
    select
        counted.evidence_kind,
        counted.subject,
        counted.scheme,
        counted.segment_code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        kind_words.label_zh as evidence_kind_label_zh,
        kind_words.label_en as evidence_kind_label_en,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        counted.customers,
        counted.times,
        cast(round(cast(counted.customers as double) / sizes.customers, 6) as decimal(9, 6)) as share_of_segment
    from counted
    inner join sizes on counted.scheme = sizes.scheme and counted.segment_code = sizes.segment_code
    left join kind_words on counted.evidence_kind = kind_words.code
    left join group_words
        on counted.scheme = group_words.scheme and counted.segment_code = group_words.segment_code
)

select * from labelled
order by evidence_kind, subject, scheme, segment_code
