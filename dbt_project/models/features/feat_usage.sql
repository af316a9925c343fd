with

items as (
    select * from {{ ref('feat_usage_item') }}
),

per_customer as (
    select
        as_of,
        customer_id,
        {{ days_among('bit_or(days_90d)', 30) }} as usage_days_30d,
        count(distinct feature) filter (where uses_90d > 0) as feature_breadth,
        max(last_used_on) as last_used_on
    from items
    group by as_of, customer_id
),

-- the band and the scenario with the most uses; among equals the first in the alphabet
hour_bands as (
    select
        as_of,
        customer_id,
        first(hour_band order by uses_90d desc, hour_band asc) as usage_hour_band
    from (
        select
            as_of,
            customer_id,
            hour_band,
            sum(uses_90d) as uses_90d
        from items
        where uses_90d > 0
        group by as_of, customer_id, hour_band
    ) as bands
    group by as_of, customer_id
),

scenarios as (
    select
        as_of,
        customer_id,
        first(scenario order by uses_90d desc, scenario asc) as top_scenario
    from (
        select
            as_of,
            customer_id,
            scenario,
            sum(uses_90d) as uses_90d
        from items
        where uses_90d > 0 and scenario is not null
        group by as_of, customer_id, scenario
    ) as used
    group by as_of, customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        case when delivered.has_usage_events then coalesce(per_customer.usage_days_30d, 0) end as usage_days_30d,
        per_customer.last_used_on,
        hour_bands.usage_hour_band,
        scenarios.top_scenario,
        case when delivered.has_usage_events then coalesce(per_customer.feature_breadth, 0) end as feature_breadth,
        {{ share_known(0, {'delivered.has_usage_events': 5}) }} as usage_coverage
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_customer
        on customers.as_of = per_customer.as_of and customers.customer_id = per_customer.customer_id
    left join hour_bands
        on customers.as_of = hour_bands.as_of and customers.customer_id = hour_bands.customer_id
    left join scenarios
        on customers.as_of = scenarios.as_of and customers.customer_id = scenarios.customer_id
)

select * from customers
order by {{ customer_order() }}
