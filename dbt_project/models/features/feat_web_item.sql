with

as_of_dates as (
    {{ as_of_dates() }}
),

events as (
    select
        as_of_dates.as_of,
        events.customer_id,
        -- of what is longer ago only the last day counts: one row for it, however many products and years there are
        case when events.event_on >= as_of_dates.as_of - 90 then events.product_id end as product_id,
        events.event,
        events.event_on,
        {{ days_between('events.event_on', 'as_of_dates.as_of') }} as age_days
    from {{ ref('stg_web_events') }} as events
    inner join as_of_dates
        on events.event_on < as_of_dates.as_of and {{ is_known('events', 'as_of_dates') }}
    where events.customer_id is not null
),

-- the one pass over web events: all that is wanted of a customer is put together from these rows
items as (
    select
        as_of,
        customer_id,
        product_id,
        count(*) filter (where event in ('impression', 'visit') and age_days <= 30) as awareness_steps_30d,
        count(*) filter (where event = 'search' and age_days <= 30) as searches_30d,
        count(*) filter (where event = 'product_view' and age_days <= 30) as views_30d,
        count(*) filter (where event in ('compare', 'wishlist') and age_days <= 30) as compares_30d,
        count(*) filter (where event in ('add_to_cart', 'checkout') and age_days <= 30) as decision_steps_30d,
        count(*) filter (where event = 'product_view' and age_days <= 90) as views_90d,
        min(event_on) filter (where event = 'product_view' and age_days <= 90) as first_viewed_on,
        -- an advertisement that was shown is no visit
        bit_or({{ day_bit('age_days', 90) }}) filter (where event <> 'impression') as visit_days_90d,
        max(event_on) filter (where event <> 'impression') as last_visited_on
    from events
    group by as_of, customer_id, product_id
)

select * from items
