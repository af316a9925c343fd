{{ config(location=var('run_dir') ~ '/marts/need_trend.parquet') }}

{%- set z = var('need_trend_z') %}

with

customers as (
    select
        customer_id,
        green_region
    from {{ ref('customer_features') }}
),

items as (
    select
        cast(customer_id as varchar) as customer_id,
        topic,
        coalesce(subtopic, '') as subtopic,
        date_trunc('month', created_on) as month
    from {{ ref('feat_feedback_item') }}
    where
        as_of = {{ marts_as_of() }}
        and topic is not null
        -- whole months only, two years of them: each is told beside the same month of the year before
        and created_on < date_trunc('month', {{ marts_as_of() }})
        and created_on >= date_trunc('month', {{ marts_as_of() }}) - interval 24 month
),

counted as (
    select
        case
            when customers.green_region then 'green'
            when not customers.green_region then 'not_green'
            else 'unknown'
        end as segment_code,
        items.topic,
        items.subtopic,
        cast(items.month as date) as month,
        count(*) as items
    from items
    left join customers on items.customer_id = customers.customer_id
    group by all
),

-- everybody, and the two kinds of region; a topic as a whole, and each of its parts
by_scope as (
    {%- for scope in ['all', 'green_region'] %}
    {%- for part in ['*', 'subtopic'] %}
    select
        '{{ scope }}' as scheme,
        {{ "'all'" if scope == 'all' else 'segment_code' }} as segment_code,
        topic,
        {{ "'*'" if part == '*' else 'subtopic' }} as subtopic,
        month,
        sum(items) as items
    from counted
    where
        {{ 'true' if scope == 'all' else "segment_code <> 'unknown'" }}
        {{ 'and true' if part == '*' else "and subtopic <> ''" }}
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

totals as (
    select
        scheme,
        segment_code,
        month,
        sum(items) as all_items
    from by_scope
    where subtopic = '*'
    group by scheme, segment_code, month
),

-- in a month in which others spoke, nobody speaking of it is a share of 0
topics as (
    select
        scheme,
        segment_code,
        topic,
        subtopic
    from by_scope
    group by scheme, segment_code, topic, subtopic
),

shares as (
    select
        topics.scheme,
        topics.segment_code,
        topics.topic,
        topics.subtopic,
        totals.month,
        cast(coalesce(by_scope.items, 0) as bigint) as items,
        cast(totals.all_items as bigint) as all_items
    from topics
    inner join totals on topics.scheme = totals.scheme and topics.segment_code = totals.segment_code
    left join by_scope
        on
            topics.scheme = by_scope.scheme
            and topics.segment_code = by_scope.segment_code
            and topics.topic = by_scope.topic
            and topics.subtopic = by_scope.subtopic
            and totals.month = by_scope.month
),

measured as (
    select
        *,
        cast(round(cast(items as double) / all_items, 4) as decimal(5, 4)) as share,
        cast({{ marts_wilson('items', 'all_items', '-', z) }} as decimal(5, 4)) as share_low,
        cast({{ marts_wilson('items', 'all_items', '+', z) }} as decimal(5, 4)) as share_high
    from shares
),

compared as (
    select
        now.*,
        before.items as items_year_before,
        before.all_items as all_items_year_before,
        before.share as share_year_before,
        before.share_low as share_low_year_before,
        before.share_high as share_high_year_before,
        now.share - before.share as share_change,
        -- the intervals do not touch
        case
            when now.share_low > before.share_high then 'rising'
            when now.share_high < before.share_low then 'falling'
            when before.share is not null then 'unclear'
        end as trend
    from measured as now
    left join measured as before
        on
            now.scheme = before.scheme
            and now.segment_code = before.segment_code
            and now.topic = before.topic
            and now.subtopic = before.subtopic
            and now.month = before.month + interval 12 month
    where now.month >= date_trunc('month', {{ marts_as_of() }}) - interval 12 month
),

topic_words as (
    {{ marts_labels('feedback', 'topic') }}
),

subtopic_words as (
    {{ marts_labels('feedback', 'subtopic') }}
),

trend_words as (
    {{ marts_labels('need_trend', 'trend') }}
),

group_words as (
    {{ marts_group_words() }}
),

labelled as (
    select
        compared.scheme,
        compared.segment_code,
        compared.topic,
        compared.subtopic,
        compared.month,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        topic_words.label_zh as topic_label_zh,
        topic_words.label_en as topic_label_en,
        -- the topic as a whole has no words of a part
        subtopic_words.label_zh as subtopic_label_zh,
        subtopic_words.label_en as subtopic_label_en,
        compared.items,
        compared.all_items,
        compared.share,
        compared.share_low,
        compared.share_high,
        compared.items_year_before,
        compared.all_items_year_before,
        compared.share_year_before,
        compared.share_low_year_before,
        compared.share_high_year_before,
        cast(compared.share_change as decimal(5, 4)) as share_change,
        compared.trend,
        trend_words.label_zh as trend_label_zh,
        trend_words.label_en as trend_label_en
    from compared
    left join topic_words on compared.topic = topic_words.code
    left join subtopic_words on compared.subtopic = subtopic_words.code
    left join trend_words on compared.trend = trend_words.code
    left join group_words
        on compared.scheme = group_words.scheme and compared.segment_code = group_words.segment_code
)

select * from labelled
order by scheme, segment_code, topic, subtopic, month
