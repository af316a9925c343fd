with

referrals as (
    select * from {{ ref('feat_referral') }}
),

per_referrer as (
    select
        as_of,
        referrer_id as customer_id,
        count(*) filter (where age_days <= 365) as invites_365d,
        count(*) filter (where age_days <= 365 and is_success) as invites_converted_365d,
        count(*) filter (where is_success and success_age_days <= 365) as conversions_365d,
        count(*) filter (where is_success) as conversions_life,
        count(*) filter (where is_self) as self_referrals_life,
        sum(referral_value) as crv,
        min(basis) filter (where referral_value is not null) as first_basis,
        max(basis) filter (where referral_value is not null) as last_basis
    from referrals
    group by as_of, referrer_id
),

-- the channel most of their successes came by, or most of their invitations; of equals the first in the alphabet
per_channel as (
    select
        as_of,
        referrer_id as customer_id,
        channel,
        row_number() over (
            partition by as_of, referrer_id
            order by count(*) filter (where is_success) desc, count(*) desc, channel asc
        ) as place
    from referrals
    where channel is not null and age_days <= 365
    group by as_of, referrer_id, channel
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        {%- for count in [
            'invites_365d', 'invites_converted_365d', 'conversions_365d', 'conversions_life', 'self_referrals_life'
        ] %}
        case when delivered.has_referrals then coalesce(per_referrer.{{ count }}, 0) end as {{ count }},
        {%- endfor %}
        per_channel.channel as referral_channel,
        cast(case when delivered.has_referrals then coalesce(per_referrer.crv, 0) end as decimal(18, 2)) as crv,
        case
            when per_referrer.first_basis <> per_referrer.last_basis then 'mixed' else per_referrer.first_basis
        end as crv_basis
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_referrer
        on customers.as_of = per_referrer.as_of and customers.customer_id = per_referrer.customer_id
    left join per_channel
        on customers.as_of = per_channel.as_of
            and customers.customer_id = per_channel.customer_id
            and per_channel.place = 1
)

select * from customers
order by {{ customer_order() }}
