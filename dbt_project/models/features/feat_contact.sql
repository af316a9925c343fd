with

as_of_dates as (
    {{ as_of_dates() }}
),

-- whom a campaign left out on purpose was not touched
touches as (
    select
        as_of_dates.as_of,
        touches.customer_id,
        touches.kind,
        touches.touched_on,
        {{ days_between('touches.touched_on', 'as_of_dates.as_of') }} as age_days
    from {{ ref('stg_campaign_touches') }} as touches
    inner join as_of_dates
        on touches.touched_on < as_of_dates.as_of and {{ is_known('touches', 'as_of_dates') }}
    where touches.customer_id is not null and not coalesce(touches.is_holdout, false)
),

-- what we sent; what a customer wrote is no contact of ours
messages as (
    select
        as_of_dates.as_of,
        messages.customer_id,
        max(messages.sent_on) as last_sent_on
    from {{ ref('stg_interactions') }} as messages
    inner join as_of_dates
        on messages.sent_on < as_of_dates.as_of and {{ is_known('messages', 'as_of_dates') }}
    where messages.customer_id is not null and coalesce(messages.direction, 'out') = 'out'
    group by as_of_dates.as_of, messages.customer_id
),

per_customer as (
    select
        as_of,
        customer_id,
        count(*) filter (where kind = 'campaign' and age_days <= 365) as campaigns_365d,
        count(*) filter (where kind = 'coupon_redeemed' and age_days <= 365) as coupons_redeemed_365d,
        max(touched_on) filter (where kind = 'campaign') as last_contact_on
    from touches
    group by as_of, customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        case when delivered.has_campaigns then coalesce(per_customer.campaigns_365d, 0) end as campaigns_365d,
        case when delivered.has_coupons then coalesce(per_customer.coupons_redeemed_365d, 0) end
            as coupons_redeemed_365d,
        greatest(per_customer.last_contact_on, messages.last_sent_on) as last_contact_on,
        {{ days_between('greatest(per_customer.last_contact_on, messages.last_sent_on)', 'customers.as_of') }}
            as last_contact_days,
        profiles.consent_marketing,
        {{ share_known(0, {
            'delivered.has_campaigns': 2,
            'delivered.has_coupons': 1,
            'profiles.consent_marketing is not null': 1,
        }) }} as contact_coverage
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_customer
        on customers.as_of = per_customer.as_of and customers.customer_id = per_customer.customer_id
    left join messages
        on customers.as_of = messages.as_of and customers.customer_id = messages.customer_id
    left join {{ ref('feat_profile') }} as profiles
        on customers.as_of = profiles.as_of and customers.customer_id = profiles.customer_id
)

select * from customers
order by {{ customer_order() }}
