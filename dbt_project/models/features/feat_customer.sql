with

as_of_dates as (
    {{ as_of_dates() }}
),

with_profile as (
    select
        as_of_dates.as_of,
        customers.customer_id
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
    -- a dump delivered later knows people who came after the day
    where customers.created_on is null or customers.created_on < as_of_dates.as_of
),

with_order as (
    select
        as_of,
        customer_id
    from {{ ref('feat_order') }}
    group by as_of, customer_id
),

with_return as (
    select
        as_of,
        customer_id
    from {{ ref('feat_return') }}
),

with_feedback as (
    select
        as_of_dates.as_of,
        feedback.customer_id
    from {{ ref('stg_feedback') }} as feedback
    inner join as_of_dates
        on feedback.created_on < as_of_dates.as_of and {{ is_known('feedback', 'as_of_dates') }}
),

with_answer as (
    select
        as_of_dates.as_of,
        responses.customer_id
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
),

with_touch as (
    select
        as_of_dates.as_of,
        touches.customer_id
    from {{ ref('stg_campaign_touches') }} as touches
    inner join as_of_dates
        on touches.touched_on < as_of_dates.as_of and {{ is_known('touches', 'as_of_dates') }}
),

with_event as (
    {%- for entity, day in {
        'usage_events': 'event_on', 'service_tickets': 'opened_on', 'interactions': 'sent_on', 'loyalty_points': 'booked_on',
        'web_events': 'event_on', 'social': 'acted_on', 'referrals': 'invited_on',
    }.items() %}
    select
        as_of_dates.as_of,
        events.{{ 'referrer_id as customer_id' if entity == 'referrals' else 'customer_id' }}
    from {{ ref('stg_' ~ entity) }} as events
    inner join as_of_dates
        on events.{{ day }} < as_of_dates.as_of and {{ is_known('events', 'as_of_dates') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

everyone as (
    select * from with_profile
    union all
    select * from with_order
    union all
    select * from with_return
    union all
    select * from with_feedback
    union all
    select * from with_answer
    union all
    select * from with_touch
    union all
    select * from with_event
),

customers as (
    select
        as_of,
        customer_id
    from everyone
    where customer_id is not null
    group by as_of, customer_id
)

select * from customers
