{{ config(location=var('run_dir') ~ '/marts/complaint_cause.parquet') }}

{%- set schemes = var('feedback_schemes') %}

with

-- two years of months and the one that is going on, so that a month can be held against the year before
items as (
    select
        source,
        feedback_id,
        customer_id,
        kind,
        coalesce(topic, 'none') as topic,
        coalesce(subtopic, 'none') as subtopic,
        category,
        created_on,
        cast(date_trunc('month', created_on) as date) as month_on,
        loop_state = 'resolved' as is_resolved
    from {{ ref('feedback_item_state') }}
    where kind in ('complaint', 'suggestion')
),

-- said before, of the same topic, within a year
repeated as (
    select
        items.* exclude (created_on),
        coalesce(
            created_on - lag(created_on) over (
                partition by customer_id, kind, topic
                order by created_on, source, feedback_id
            ) <= 365 and customer_id is not null,
            false
        ) as is_repeat
    from items
),

recent as (
    select * from repeated
    where month_on >= date_trunc('month', {{ marts_as_of() }}) - interval 24 month
),

by_segment as (
    {{ marts_by_group('recent', schemes) }}

    union all

    select
        recent.*,
        'category' as scheme,
        coalesce(category, 'none') as segment_code
    from recent
),

counted as (
    select
        month_on,
        scheme,
        segment_code,
        kind,
        topic,
        subtopic,
        count(*) as items,
        count(distinct customer_id) as customers,
        count(*) filter (where is_resolved) as resolved,
        count(*) filter (where is_repeat) as repeats
    from by_segment
    group by month_on, scheme, segment_code, kind, topic, subtopic
),

shared as (
    select
        *,
        sum(items) over (partition by month_on, scheme, segment_code, kind) as of_items
    from counted
),

group_words as (
    {{ marts_group_words() }}
),

kinds as (
    {{ marts_labels('feedback', 'kind') }}
),

topics as (
    {{ marts_labels('feedback', 'topic') }}
),

labelled as (
    select
        cast(shared.month_on as date) as month_on,
        shared.scheme,
        shared.segment_code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        coalesce(group_words.segment_label_zh, shared.segment_code) as segment_label_zh,
        coalesce(group_words.segment_label_en, shared.segment_code) as segment_label_en,
        shared.kind,
        kinds.label_zh as kind_label_zh,
        kinds.label_en as kind_label_en,
        shared.topic,
        topics.label_zh as topic_label_zh,
        topics.label_en as topic_label_en,
        shared.subtopic,
        cast(shared.items as bigint) as items,
        cast(round(cast(shared.items as double) / cast(shared.of_items as double), 4) as decimal(5, 4)) as share,
        cast(shared.customers as bigint) as customers,
        cast(round(cast(shared.resolved as double) / shared.items, 4) as decimal(5, 4)) as resolved_share,
        cast(round(cast(shared.repeats as double) / shared.items, 4) as decimal(5, 4)) as repeat_share
    from shared
    left join group_words
        on shared.scheme = group_words.scheme and shared.segment_code = group_words.segment_code
    left join kinds on shared.kind = kinds.code
    left join topics on shared.topic = topics.code
)

select * from labelled
order by month_on, scheme, segment_code, kind, topic, subtopic
