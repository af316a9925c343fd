{{ config(location=var('run_dir') ~ '/marts/service_sla.parquet') }}

with

tickets as (
    select
        kind,
        agent_hash,
        cast(date_trunc('week', opened_on) as date) as week_on,
        response_minutes,
        csat,
        age_days
    from {{ ref('feat_service_ticket') }}
    where as_of = {{ marts_as_of() }} and age_days <= 371
),

-- the mean all marks of a kind are drawn towards
kinds_at_large as (
    select
        coalesce(kind, 'all') as kind,
        cast(sum(csat) as double) / nullif(count(csat), 0) as csat_mean
    from tickets
    where kind is not null
    group by grouping sets ((), (kind))
),

periods as (
    select
        'week' as period,
        week_on as period_from_on,
        * exclude (week_on)
    from tickets
    where week_on >= date_trunc('week', {{ marts_as_of() }}) - interval 52 week
    union all
    select
        'year' as period,
        {{ marts_as_of() }} - 365 as period_from_on,
        * exclude (week_on)
    from tickets
    where age_days <= 365
),

counted as (
    select
        period,
        period_from_on,
        coalesce(kind, 'all') as kind,
        coalesce(agent_hash, 'all') as agent_hash,
        count(*) as tickets,
        count(response_minutes) as responded,
        quantile_disc(response_minutes, 0.5) as median_minutes,
        quantile_disc(response_minutes, 0.9) as p90_minutes,
        count(csat) as marks,
        sum(csat) as csat_sum
    from periods
    where kind is not null and agent_hash is not null
    group by grouping sets (
        (period, period_from_on),
        (period, period_from_on, kind),
        (period, period_from_on, agent_hash),
        (period, period_from_on, kind, agent_hash)
    )
),

words as (
    {{ marts_labels('service_sla', 'ticket_kind') }}
),

told as (
    select
        counted.period,
        counted.period_from_on,
        counted.kind as ticket_kind,
        counted.agent_hash,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        words.label_zh as ticket_kind_label_zh,
        words.label_en as ticket_kind_label_en,
        cast(counted.tickets as bigint) as tickets,
        counted.tickets >= {{ var('min_service_tickets') }} as is_enough,
        cast(round(cast(counted.responded as double) / counted.tickets, 4) as decimal(5, 4)) as responded_share,
        case when counted.tickets >= {{ var('min_service_tickets') }} then round(counted.median_minutes / 60.0, 2) end
            as median_response_hours,
        case when counted.tickets >= {{ var('min_service_tickets') }} then round(counted.p90_minutes / 60.0, 2) end
            as p90_response_hours,
        cast(counted.marks as bigint) as marks,
        case
            when counted.tickets >= {{ var('min_service_tickets') }}
                then round(
                    (
                        coalesce(cast(counted.csat_sum as double), 0)
                        + {{ var('csat_shrinkage') }} * kinds_at_large.csat_mean
                    ) / (counted.marks + {{ var('csat_shrinkage') }}),
                    2
                )
        end as csat_shrunk
    from counted
    left join kinds_at_large on counted.kind = kinds_at_large.kind
    left join words on counted.kind = words.code
)

select * from told
order by period, period_from_on, ticket_kind, agent_hash
