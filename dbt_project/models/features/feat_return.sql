with

as_of_dates as (
    {{ as_of_dates() }}
),

returns as (
    select
        as_of_dates.as_of,
        returns.customer_id,
        returns.amount,
        returns.order_id is null as is_unlinked,
        {{ days_between('returns.returned_on', 'as_of_dates.as_of') }} as age_days
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on returns.returned_on < as_of_dates.as_of and {{ is_known('returns', 'as_of_dates') }}
    where returns.customer_id is not null
),

per_customer as (
    select
        as_of,
        customer_id,
        cast(sum(amount) filter (where is_unlinked) as decimal(18, 2)) as unlinked_life,
        cast(sum(amount) filter (where is_unlinked and age_days <= {{ var('window_days') }}) as decimal(18, 2))
            as unlinked_w,
        cast(sum(amount) filter (where is_unlinked and age_days <= 30) as decimal(18, 2)) as unlinked_30d,
        cast(sum(amount) filter (where is_unlinked and age_days <= 90) as decimal(18, 2)) as unlinked_90d,
        cast(sum(amount) filter (where is_unlinked and age_days <= 180) as decimal(18, 2)) as unlinked_180d,
        cast(sum(amount) filter (where is_unlinked and age_days <= 365) as decimal(18, 2)) as unlinked_365d,
        cast(sum(amount) filter (where is_unlinked and age_days between 91 and 180) as decimal(18, 2))
            as unlinked_previous_90d,
        cast(sum(amount) filter (where is_unlinked and age_days between 91 and 360) as decimal(18, 2))
            as unlinked_previous_270d,
        cast(sum(amount) filter (where age_days <= {{ var('window_days') }}) as decimal(18, 2)) as return_amount_w,
        cast(count(*) filter (where age_days <= 365) as bigint) as returns_365d,
        cast(sum(amount) filter (where age_days <= 365) as decimal(18, 2)) as return_amount_365d
    from returns
    group by as_of, customer_id
)

select * from per_customer
