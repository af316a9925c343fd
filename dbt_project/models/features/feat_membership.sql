{%- set several = var('enabled_sources') | length > 1 %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- of several sources that know one person, a member of one is a member; the freshest level counts
profiles as (
    select
        as_of_dates.as_of,
        customers.customer_id,
        {{ 'bool_or(customers.is_member) as is_member' if several else 'customers.is_member' }},
        {{ freshest('member_level') if several else 'customers.member_level' }}
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
    {{ 'group by as_of_dates.as_of, customers.customer_id' if several }}
),

-- Points go in the order in which they would be lost. So of what had come in with an end before a day, that is left
-- which all that ever went out did not use up; no booking has to be matched with another.
bookings as (
    select
        as_of_dates.as_of,
        bookings.customer_id,
        sum(bookings.points) as points_balance,
        sum(bookings.points) filter (where bookings.points > 0) as points_in,
        -sum(bookings.points) filter (where bookings.points < 0) as points_out,
        -sum(bookings.points) filter (where bookings.kind = 'redeem') as points_redeemed,
        sum(bookings.points) filter (where bookings.points > 0 and bookings.expires_on < as_of_dates.as_of)
            as points_in_ended,
        sum(bookings.points) filter (where bookings.points > 0 and bookings.expires_on < as_of_dates.as_of + 30)
            as points_in_ending,
        max(bookings.booked_on) filter (where bookings.kind in ('earn', 'redeem')) as last_points_on
    from {{ ref('stg_loyalty_points') }} as bookings
    inner join as_of_dates
        on bookings.booked_on < as_of_dates.as_of and {{ is_known('bookings', 'as_of_dates') }}
    where bookings.customer_id is not null
    group by as_of_dates.as_of, bookings.customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        coalesce(profiles.is_member, case when bookings.customer_id is not null then true end) as is_member,
        profiles.member_level,
        cast(case when delivered.has_loyalty_points then coalesce(bookings.points_balance, 0) end as bigint)
            as points_balance,
        cast(
            case
                when delivered.has_loyalty_points
                    then
                        greatest(coalesce(bookings.points_in_ending, 0) - coalesce(bookings.points_out, 0), 0)
                        - greatest(coalesce(bookings.points_in_ended, 0) - coalesce(bookings.points_out, 0), 0)
            end
            as bigint
        ) as points_expiring_30d,
        round(
            cast(coalesce(bookings.points_redeemed, 0) as double) / nullif(bookings.points_in, 0), 4
        ) as redemption_rate,
        {{ days_between('bookings.last_points_on', 'customers.as_of') }} as last_points_days
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join bookings
        on customers.as_of = bookings.as_of and customers.customer_id = bookings.customer_id
    left join profiles
        on customers.as_of = profiles.as_of and customers.customer_id = profiles.customer_id
)

select * from customers
order by {{ customer_order() }}
