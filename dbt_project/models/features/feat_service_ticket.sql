{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

tickets as (
    select
        as_of_dates.as_of,
        tickets.source,
        tickets.ticket_id,
        tickets.customer_id,
        tickets.kind,
        -- who served is told apart, not named; a declaration that hashes the column under a key hides it for good
        substr(sha256(tickets.source || '/' || tickets.agent), 1, 12) as agent_hash,
        tickets.opened_on,
        {{ days_between('tickets.opened_on', 'as_of_dates.as_of') }} as age_days,
        case
            when tickets.first_response_at < cast(as_of_dates.as_of as timestamp)
                then date_diff('minute', tickets.opened_at, tickets.first_response_at)
        end as response_minutes,
        case
            when tickets.closed_at < cast(as_of_dates.as_of as timestamp)
                then date_diff('minute', tickets.opened_at, tickets.closed_at)
        end as closing_minutes,
        -- a mark is given when all is over
        case
            when tickets.closed_at < cast(as_of_dates.as_of as timestamp) and tickets.csat between 1 and 5
                then tickets.csat
        end as csat
    from {{ ref('stg_service_tickets') }} as tickets
    inner join as_of_dates
        on tickets.opened_on < as_of_dates.as_of and {{ is_known('tickets', 'as_of_dates') }}
)

select * from tickets
