{{ config(materialized='view') }}

{#
    Entity → [the customer, the day of the act, which rows are the customer's own acts]. What we sent is no act of theirs,
    nor are points that expired; opening, clicking and answering is.
#}
{%- set acts = {
    'returns': ['customer_id', 'returned_on', 'true'],
    'feedback': ['customer_id', 'created_on', 'true'],
    'survey_responses': ['customer_id', 'answered_on', 'true'],
    'service_tickets': ['customer_id', 'opened_on', 'true'],
    'usage_events': ['customer_id', 'event_on', 'true'],
    'web_events': ['customer_id', 'event_on', 'true'],
    'interactions': [
        'customer_id',
        "coalesce(cast(greatest(opened_at, clicked_at, replied_at) as date), sent_on)",
        "coalesce(opened_at, clicked_at, replied_at) is not null or direction = 'in'",
    ],
    'social': ['customer_id', 'acted_on', 'true'],
    'referrals': ['referrer_id', 'invited_on', 'true'],
    'campaign_touches': ['customer_id', 'touched_on', "kind = 'coupon_redeemed'"],
    'loyalty_points': ['customer_id', 'booked_on', "kind <> 'expire'"],
    'customers': ['customer_id', 'created_on', 'true'],
} %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

{% for entity, act in acts.items() %}
acts_of_{{ entity }} as (
    {{ acts_per_customer(entity, act[0], act[1], act[2]) }}
),

{% endfor %}
orders as (
    select
        as_of,
        customer_id,
        max(ordered_on) as last_event_on,
        max(last_late_on) as last_late_on
    from {{ ref('feat_order') }}
    where customer_id is not null
    group by as_of, customer_id
),

all_acts as (
    select * from orders
    {%- for entity in acts %}
    union all
    select * from acts_of_{{ entity }}
    {%- endfor %}
),

customers as (
    select
        as_of,
        customer_id,
        max(last_event_on) as last_event_on,
        max(last_late_on) as last_late_on
    from all_acts
    group by as_of, customer_id
)

select * from customers
