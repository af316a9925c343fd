{{ config(location=var('run_dir') ~ '/marts/feedback_loop.parquet') }}

{%- set schemes = var('feedback_schemes') %}
{%- set target_minutes = 60 * var('response_target_hours') %}

with

buyers as (
    select cast(customer_id as varchar) as customer_id
    from {{ ref('customer_features') }}
    where orders_w > 0
),

items as (
    select
        states.customer_id,
        buyers.customer_id as buyer_id,
        coalesce(states.channel, 'none') as channel,
        states.kind,
        cast(date_trunc('week', states.created_on) as date) as week_on,
        states.age_days,
        states.is_answer_due or states.response_minutes is not null as is_due,
        states.response_minutes,
        states.loop_state,
        states.topic is not null as is_coded,
        states.is_linked,
        outcomes.csat_after_hundredths - outcomes.csat_before_hundredths as csat_change_hundredths,
        case when outcomes.expected_reorder_share is not null then cast(outcomes.has_reordered_60d as integer) end
            as reordered,
        case when outcomes.is_observed_60d then outcomes.expected_reorder_share end as expected_reorder_share
    from {{ ref('feedback_item_state') }} as states
    left join {{ ref('feat_feedback_outcome') }} as outcomes
        on states.as_of = outcomes.as_of
            and states.source = outcomes.source
            and states.feedback_id = outcomes.feedback_id
    left join buyers on states.customer_id = buyers.customer_id
    where states.age_days <= 371
),

by_segment as (
    {{ marts_by_group('items', schemes) }}
),

periods as (
    select
        'week' as period,
        week_on as period_from_on,
        *
    from by_segment
    where week_on >= date_trunc('week', {{ marts_as_of() }}) - interval 52 week
    union all
    select
        'year' as period,
        {{ marts_as_of() }} - 365 as period_from_on,
        *
    from by_segment
    where age_days <= 365
),

counted as (
    select
        period,
        period_from_on,
        scheme,
        segment_code,
        coalesce(channel, 'all') as channel,
        count(*) as items,
        count(*) filter (where is_due) as due_items,
        count(distinct channel) as channels,
        count(distinct buyer_id) as heard_customers,
        quantile_disc(response_minutes, 0.5) filter (where is_due) as median_minutes,
        quantile_disc(response_minutes, 0.9) filter (where is_due) as p90_minutes,
        count(*) filter (where is_due and response_minutes <= {{ target_minutes }}) as in_time,
        -- an item that may still be answered in time speaks for neither side
        count(*) filter (where is_due and (response_minutes is not null or loop_state = 'overdue')) as answerable,
        max(age_days) filter (where loop_state in ('open', 'overdue')) as oldest_open_days,
        count(*) filter (where is_coded) as coded,
        count(*) filter (where is_linked) as linked,
        count(*) filter (where loop_state = 'resolved') as resolved,
        count(*) filter (where loop_state = 'reopened') as reopened,
        count(csat_change_hundredths) as csat_pairs,
        sum(csat_change_hundredths) as csat_change_hundredths,
        count(reordered) as complaints_followed,
        sum(reordered) as reordered,
        sum(expected_reorder_share) as expected_reorders
    from periods
    group by grouping sets (
        (period, period_from_on, scheme, segment_code),
        (period, period_from_on, scheme, segment_code, channel)
    )
),

active as (
    {{ marts_by_group('buyers', schemes) }}
),

active_per_segment as (
    select
        scheme,
        segment_code,
        count(*) as active_customers
    from active
    group by scheme, segment_code
),

measured as (
    select
        counted.period,
        counted.period_from_on,
        counted.scheme,
        counted.segment_code,
        counted.channel,
        counted.items,
        counted.due_items,
        counted.channels,
        round(counted.median_minutes / 60.0, 2) as median_response_hours,
        round(counted.p90_minutes / 60.0, 2) as p90_response_hours,
        round(cast(counted.in_time as double) / nullif(counted.answerable, 0), 4) as in_time_share,
        counted.oldest_open_days,
        counted.heard_customers,
        coalesce(active_per_segment.active_customers, 0) as active_customers,
        round(cast(counted.heard_customers as double) / nullif(active_per_segment.active_customers, 0), 4)
            as heard_share,
        round(cast(counted.coded as double) / counted.items, 4) as coded_share,
        round(cast(counted.linked as double) / counted.items, 4) as linked_share,
        round(cast(counted.resolved as double) / nullif(counted.due_items, 0), 4) as resolved_share,
        round(cast(counted.reopened as double) / nullif(counted.resolved + counted.reopened, 0), 4) as reopened_share,
        counted.csat_pairs,
        round(cast(counted.csat_change_hundredths as double) / nullif(100 * counted.csat_pairs, 0), 2) as csat_change,
        counted.complaints_followed,
        round(cast(counted.reordered as double) / nullif(counted.complaints_followed, 0), 4) as reorder_share,
        round(cast(counted.expected_reorders as double) / nullif(counted.complaints_followed, 0), 4)
            as matched_reorder_share,
        counted.items >= {{ var('feedback_min_items') }} as is_enough
    from counted
    left join active_per_segment
        on counted.scheme = active_per_segment.scheme and counted.segment_code = active_per_segment.segment_code
),

-- of one channel, or one week, nobody hears from so many customers: heard from is judged over the year and all channels
judged as (
    select
        *,
        case when is_enough then coalesce(median_response_hours <= {{ var('response_target_hours') }}, false) end
            as is_timely,
        case
            when is_enough
                then coded_share >= {{ var('coded_target_share') }}
                    and (
                        period = 'week'
                        or channel <> 'all'
                        or coalesce(heard_share >= {{ var('heard_target_share') }}, false)
                    )
        end as is_complete,
        case
            when is_enough
                then coalesce(resolved_share >= {{ var('resolved_target_share') }}, false)
                    and coalesce(reopened_share <= {{ var('reopened_target_share') }}, true)
        end as is_effective
    from measured
),

verdicts as (
    select
        *,
        case
            when not is_enough then 'too_few'
            when is_timely and is_complete and is_effective then 'met'
            else 'missed'
        end as verdict
    from judged
),

group_words as (
    {{ marts_group_words() }}
),

verdict_words as (
    {{ marts_labels('feedback', 'verdict') }}
),

labelled as (
    select
        verdicts.period,
        cast(verdicts.period_from_on as date) as period_from_on,
        verdicts.scheme,
        verdicts.segment_code,
        verdicts.channel,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        verdicts.items,
        verdicts.due_items,
        verdicts.channels,
        verdicts.median_response_hours,
        verdicts.p90_response_hours,
        verdicts.in_time_share,
        verdicts.oldest_open_days,
        verdicts.heard_customers,
        verdicts.active_customers,
        verdicts.heard_share,
        verdicts.coded_share,
        verdicts.linked_share,
        verdicts.resolved_share,
        verdicts.reopened_share,
        verdicts.csat_pairs,
        verdicts.csat_change,
        verdicts.complaints_followed,
        verdicts.reorder_share,
        verdicts.matched_reorder_share,
        verdicts.is_timely,
        verdicts.is_complete,
        verdicts.is_effective,
        verdicts.verdict,
        verdict_words.label_zh as verdict_label_zh,
        verdict_words.label_en as verdict_label_en
    from verdicts
    left join group_words
        on verdicts.scheme = group_words.scheme and verdicts.segment_code = group_words.segment_code
    left join verdict_words on verdicts.verdict = verdict_words.code
)

select * from labelled
order by period, period_from_on, scheme, segment_code, channel
