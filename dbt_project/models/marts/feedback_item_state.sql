{{ config(location=var('run_dir') ~ '/marts/feedback_item_state.parquet') }}

with

items as (
    select
        items.*,
        outcomes.category,
        outcomes.owner,
        -- praise may stay without an answer; whatever asks, proposes or complains may not
        items.kind <> 'review' or coalesce(items.sentiment <= 0.5, false) as is_answer_due
    from {{ ref('feat_feedback_item') }} as items
    left join {{ ref('feat_feedback_outcome') }} as outcomes
        on items.as_of = outcomes.as_of
            and items.source = outcomes.source
            and items.feedback_id = outcomes.feedback_id
    where items.as_of = {{ marts_as_of() }}
),

judged as (
    select
        *,
        case
            when reopened_at >= resolved_at then 'reopened'
            when resolved_at is not null then 'resolved'
            when first_response_at is not null then 'answered'
            when not is_answer_due then null
            when date_diff('minute', created_at, cast(as_of as timestamp)) > 60 * {{ var('response_target_hours') }}
                then 'overdue'
            else 'open'
        end as loop_state
    from items
),

states as (
    {{ marts_labels('feedback', 'loop_state') }}
),

kinds as (
    {{ marts_labels('feedback', 'kind') }}
),

topics as (
    {{ marts_labels('feedback', 'topic') }}
),

labelled as (
    select
        judged.source,
        judged.feedback_id,
        judged.as_of,
        {{ marts_known_on() }} as known_on,
        cast(judged.customer_id as varchar) as customer_id,
        judged.channel,
        judged.kind,
        kinds.label_zh as kind_label_zh,
        kinds.label_en as kind_label_en,
        judged.topic,
        topics.label_zh as topic_label_zh,
        topics.label_en as topic_label_en,
        judged.subtopic,
        judged.category,
        judged.related_order_id is not null as is_linked,
        judged.created_on,
        judged.age_days,
        judged.is_answer_due,
        cast(date_diff('minute', judged.created_at, judged.first_response_at) as bigint) as response_minutes,
        judged.loop_state,
        states.label_zh as loop_state_label_zh,
        states.label_en as loop_state_label_en,
        judged.owner
    from judged
    left join states on judged.loop_state = states.code
    left join kinds on judged.kind = kinds.code
    left join topics on judged.topic = topics.code
)

select * from labelled
order by source, feedback_id
