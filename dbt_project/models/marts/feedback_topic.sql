{{ config(location=var('run_dir') ~ '/marts/feedback_topic.parquet') }}

with

items as (
    select
        cast(date_trunc('month', created_on) as date) as month_on,
        topic,
        subtopic,
        topic_basis,
        sentiment
    from {{ ref('feat_feedback_item') }}
    where as_of = {{ marts_as_of() }}
),

months as (
    select
        month_on,
        count(*) as month_items
    from items
    group by month_on
),

counted as (
    select
        month_on,
        topic,
        subtopic,
        count(*) as items,
        count(*) filter (where topic_basis = 'stated') as stated_items,
        count(*) filter (where topic_basis = 'read') as read_items,
        count(sentiment) as sentiment_items,
        sum(sentiment) as sentiment_sum
    from items
    group by month_on, topic, subtopic
),

topic_words as (
    {{ marts_labels('feedback', 'topic') }}
),

subtopic_words as (
    {{ marts_labels('feedback', 'subtopic') }}
),

labelled as (
    select
        counted.month_on,
        coalesce(counted.topic, 'none') as topic,
        coalesce(counted.subtopic, 'none') as subtopic,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        topic_words.label_zh as topic_label_zh,
        topic_words.label_en as topic_label_en,
        subtopic_words.label_zh as subtopic_label_zh,
        subtopic_words.label_en as subtopic_label_en,
        counted.items,
        counted.stated_items,
        counted.read_items,
        months.month_items,
        cast(round(cast(counted.items as double) / months.month_items, 4) as decimal(5, 4)) as share,
        counted.sentiment_items,
        cast(
            round(cast(counted.sentiment_sum as double) / nullif(counted.sentiment_items, 0), 4) as decimal(5, 4)
        ) as sentiment_mean
    from counted
    inner join months on counted.month_on = months.month_on
    left join topic_words on coalesce(counted.topic, 'none') = topic_words.code
    left join subtopic_words on coalesce(counted.subtopic, 'none') = subtopic_words.code
)

select * from labelled
order by month_on, topic, subtopic
