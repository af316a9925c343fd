with

as_of_dates as (
    {{ as_of_dates() }}
),

events as (
    select
        as_of_dates.as_of,
        events.customer_id,
        -- of what is longer ago only the last day counts: one row for it, however many functions and years there are
        case when events.event_on >= as_of_dates.as_of - 90 then events.product_id end as product_id,
        case when events.event_on >= as_of_dates.as_of - 90 then events.feature end as feature,
        case when events.event_on >= as_of_dates.as_of - 90 then events.scenario end as scenario,
        case when events.event_on >= as_of_dates.as_of - 90 then {{ hour_band('events.event_at') }} end as hour_band,
        events.event_on,
        {{ days_between('events.event_on', 'as_of_dates.as_of') }} as age_days
    from {{ ref('stg_usage_events') }} as events
    inner join as_of_dates
        on events.event_on < as_of_dates.as_of and {{ is_known('events', 'as_of_dates') }}
    where events.customer_id is not null
),

items as (
    select
        as_of,
        customer_id,
        product_id,
        feature,
        scenario,
        hour_band,
        count(*) filter (where age_days <= 90) as uses_90d,
        bit_or({{ day_bit('age_days', 90) }}) as days_90d,
        max(event_on) as last_used_on
    from events
    group by as_of, customer_id, product_id, feature, scenario, hour_band
)

select * from items
