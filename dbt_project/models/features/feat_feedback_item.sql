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

topics as (
    select
        * exclude (stated_topic),
        case
            when stated_topic in ('price', 'function', 'quality', 'service', 'delivery', 'experience') then stated_topic
        end as topic,
        cast(null as varchar) as subtopic,
        case
            when stated_topic in ('price', 'function', 'quality', 'service', 'delivery', 'experience') then 'stated'
        end as topic_basis,
        cast(
            case when rating >= 4 then 1 when rating <= 2 then 0 when rating = 3 then 0.5 end as decimal(5, 4)
        ) as sentiment,
        case when rating is not null then 'rating' end as sentiment_basis
    from as_seen
)

select * from topics
