{{ config(location=var('run_dir') ~ '/marts/referral_channel.parquet') }}

with

referrals as (
    select
        coalesce(channel, 'none') as channel,
        referrer_id,
        age_days <= 365 as is_invited_365d,
        is_success,
        is_success and success_age_days <= 365 as is_success_365d,
        is_self,
        referral_value,
        reward_cost
    from {{ ref('feat_referral') }}
    where as_of = {{ marts_as_of() }}
),

-- who could invite: customers with an order in the window
active as (
    select count(*) as active_customers
    from {{ ref('customer_features') }}
    where orders_w > 0
),

counted as (
    select
        coalesce(channel, 'all') as channel,
        count(*) filter (where is_invited_365d) as invites_365d,
        count(*) filter (where is_invited_365d and is_success) as invites_converted_365d,
        count(distinct referrer_id) filter (where is_invited_365d) as inviting_customers_365d,
        count(*) filter (where is_success_365d) as conversions_365d,
        count(*) filter (where is_self) as self_referrals_life,
        sum(referral_value) as crv,
        sum(reward_cost) filter (where is_success_365d) as reward_cost_365d
    from referrals
    group by grouping sets ((), (channel))
    having count(*) > 0
),

valued as (
    select
        counted.channel,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        cast(counted.invites_365d as bigint) as invites_365d,
        cast(counted.inviting_customers_365d as bigint) as inviting_customers_365d,
        cast(counted.invites_converted_365d as bigint) as invites_converted_365d,
        cast(
            round(cast(counted.invites_converted_365d as double) / nullif(counted.invites_365d, 0), 4) as decimal(5, 4)
        ) as conversion,
        cast(counted.conversions_365d as bigint) as conversions_365d,
        cast(counted.self_referrals_life as bigint) as self_referrals_life,
        cast(coalesce(counted.reward_cost_365d, 0) as decimal(18, 2)) as reward_cost_365d,
        cast(coalesce(counted.crv, 0) as decimal(18, 2)) as crv,
        active.active_customers,
        -- invitations per customer times conversion: what a hundred customers bring along, over a hundred
        cast(
            round(cast(counted.invites_converted_365d as double) / nullif(active.active_customers, 0), 6)
            as decimal(9, 6)
        ) as k_factor
    from counted
    cross join active
)

select * from valued
order by channel
