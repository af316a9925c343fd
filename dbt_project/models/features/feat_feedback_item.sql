{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

items as (
    select
        as_of_dates.as_of,
        feedback.source,
        feedback.feedback_id,
        feedback.customer_id,
        feedback.channel,
        feedback.kind,
        lower(trim(feedback.topic)) as stated_topic,
        feedback.rating,
        feedback.created_at,
        feedback.created_on,
        feedback.first_response_at,
        feedback.resolved_at,
        feedback.reopened_at,
        feedback.related_order_id,
        {{ days_between('feedback.created_on', 'as_of_dates.as_of') }} as age_days,
        feedback.resolved_at is null or feedback.resolved_at >= cast(as_of_dates.as_of as timestamp) as is_open
    from {{ ref('stg_feedback') }} as feedback
    inner join as_of_dates
        on feedback.created_on < as_of_dates.as_of and {{ is_known('feedback', 'as_of_dates') }}
),

-- what happened on as_of or later had not happened yet
as_seen as (
    select
        items.* replace (
            case when first_response_at < cast(as_of as timestamp) then first_response_at end as first_response_at,
            case when resolved_at < cast(as_of as timestamp) then resolved_at end as resolved_at,
            case when reopened_at < cast(as_of as timestamp) then reopened_at end as reopened_at
        )
    from items
),

-- what a source may call a topic or sub-topic, in code or in words
called as (
    {%- for name, subtopic in [
        ('topic', 'null'), ('topic_zh', 'null'), ('topic_en', 'null'),
        ('subtopic', 'subtopic'), ('label_zh', 'subtopic'), ('label_en', 'subtopic'),
    ] %}
    select
        lower({{ name }}) as name,
        topic,
        cast({{ subtopic }} as varchar) as subtopic
    from {{ ref('feedback_topics') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- a word that means several says nothing; one that names a topic as a whole means that
names as (
    select
        name,
        min(topic) as topic,
        case when bool_and(subtopic is not null) and count(distinct subtopic) = 1 then min(subtopic) end as subtopic
    from called
    group by name
    having count(distinct topic) = 1
),

topics as (
    select
        as_seen.* exclude (stated_topic),
        coalesce(names.topic, reading.topic) as topic,
        case
            when names.subtopic is not null then names.subtopic
            when names.topic is null or names.topic = reading.topic then reading.subtopic
        end as subtopic,
        case when names.topic is not null then 'stated' when reading.topic is not null then 'read' end as topic_basis,
        cast(
            case
                when rating >= 4 then 1
                when rating <= 2 then 0
                when rating = 3 then 0.5
                else reading.sentiment
            end as decimal(5, 4)
        ) as sentiment,
        case
            when rating is not null then 'rating'
            when reading.sentiment is not null then 'read'
        end as sentiment_basis
    from as_seen
    left join names on as_seen.stated_topic = names.name
    left join {{ ref('feat_feedback_text') }} as reading
        on
            as_seen.as_of = reading.as_of
            and as_seen.source = reading.source
            and as_seen.feedback_id = reading.feedback_id
)

select * from topics
