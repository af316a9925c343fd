{{ config(materialized='view') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- one row per customer and day of use before anything is counted: events come by the thousand
days_used as (
    select
        as_of_dates.as_of,
        events.customer_id,
        events.event_on
    from {{ ref('stg_usage_events') }} as events
    inner join as_of_dates
        on events.event_on < as_of_dates.as_of and {{ is_known('events', 'as_of_dates') }}
    where events.customer_id is not null
    group by as_of_dates.as_of, events.customer_id, events.event_on
),

per_customer as (
    select
        as_of,
        customer_id,
        count(*) filter (where event_on >= as_of - 30) as usage_days_30d,
        max(event_on) as last_used_on
    from days_used
    group by as_of, customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        case when delivered.has_usage_events then coalesce(per_customer.usage_days_30d, 0) end as usage_days_30d,
        per_customer.last_used_on,
        {{ share_known(0, {'delivered.has_usage_events': 2}) }} as usage_coverage
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_customer
        on customers.as_of = per_customer.as_of and customers.customer_id = per_customer.customer_id
)

select * from customers
