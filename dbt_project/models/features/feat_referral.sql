-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

invitations as (
    select
        as_of_dates.as_of,
        referrals.source,
        referrals.referral_id,
        referrals.referrer_id,
        case when coalesce(referrals.registered_at, referrals.first_order_at) < cast(as_of_dates.as_of as timestamp)
            then referrals.referee_id
        end as referee_id,
        referrals.channel,
        referrals.invited_at,
        referrals.invited_on,
        case
            when referrals.first_order_at < cast(as_of_dates.as_of as timestamp)
                then cast(referrals.first_order_at as date)
        end as told_first_order_on,
        referrals.reward_cost
    from {{ ref('stg_referrals') }} as referrals
    inner join as_of_dates
        on referrals.invited_on < as_of_dates.as_of and {{ is_known('referrals', 'as_of_dates') }}
    where referrals.referrer_id is not null
),

people as (
    select
        as_of,
        referee_id as customer_id
    from invitations
    where referee_id is not null
    union
    select
        as_of,
        referrer_id as customer_id
    from invitations
    where referee_id is not null
),

-- by what two customers are one person; a few customers, so the join is small
contacts as (
    select
        people.as_of,
        people.customer_id,
        unnest([profiles.phone_hash, profiles.email_hash]) as contact_hash,
        unnest(['phone', 'email']) as contact_kind
    from people
    inner join as_of_dates on people.as_of = as_of_dates.as_of
    inner join {{ ref('stg_customers') }} as profiles
        on people.customer_id = profiles.customer_id and {{ is_known('profiles', 'as_of_dates') }}
),

self_referrals as (
    select
        invitations.as_of,
        invitations.source,
        invitations.referral_id
    from invitations
    inner join contacts as of_referrer
        on invitations.as_of = of_referrer.as_of and invitations.referrer_id = of_referrer.customer_id
    inner join contacts as of_referee
        on invitations.as_of = of_referee.as_of
            and invitations.referee_id = of_referee.customer_id
            and of_referrer.contact_kind = of_referee.contact_kind
            and of_referrer.contact_hash = of_referee.contact_hash
    group by invitations.as_of, invitations.source, invitations.referral_id
),

orders_of_referees as (
    select
        orders.as_of,
        orders.customer_id,
        orders.ordered_on,
        orders.net_amount,
        orders.cost_amount
    from {{ ref('feat_order') }} as orders
    semi join people on orders.as_of = people.as_of and orders.customer_id = people.customer_id
    where orders.is_valid
),

-- a source that does not tell of first orders leaves them to be found among all orders
found_first as (
    select
        invitations.as_of,
        invitations.source,
        invitations.referral_id,
        min(orders.ordered_on) as found_first_order_on
    from invitations
    inner join orders_of_referees as orders
        on invitations.as_of = orders.as_of
            and invitations.referee_id = orders.customer_id
            and invitations.invited_on <= orders.ordered_on
    where invitations.told_first_order_on is null
    group by invitations.as_of, invitations.source, invitations.referral_id
),

judged as (
    select
        invitations.* exclude (told_first_order_on),
        coalesce(invitations.told_first_order_on, found_first.found_first_order_on) as first_order_on,
        coalesce(invitations.referrer_id = invitations.referee_id, false) or self_referrals.referral_id is not null
            as is_self
    from invitations
    left join self_referrals
        on invitations.as_of = self_referrals.as_of
            and invitations.source = self_referrals.source
            and invitations.referral_id = self_referrals.referral_id
    left join found_first
        on invitations.as_of = found_first.as_of
            and invitations.source = found_first.source
            and invitations.referral_id = found_first.referral_id
),

-- who was invited by several came through the first of them
credited as (
    select
        *,
        first_order_on is not null and not is_self and row_number() over (
            partition by as_of, referee_id, first_order_on is not null and not is_self
            order by invited_on asc, invited_at asc, source asc, referral_id asc
        ) = 1 as is_success
    from judged
),

brought_in as (
    select
        credited.as_of,
        credited.source,
        credited.referral_id,
        bool_and(orders.cost_amount is not null) as has_cost,
        sum(orders.net_amount) as net_amount,
        sum(orders.net_amount - orders.cost_amount) as margin_amount
    from credited
    inner join orders_of_referees as orders
        on credited.as_of = orders.as_of
            and credited.referee_id = orders.customer_id
            and credited.first_order_on <= orders.ordered_on
    where credited.is_success and orders.ordered_on >= credited.as_of - 365
    group by credited.as_of, credited.source, credited.referral_id
),

valued as (
    select
        credited.*,
        {{ days_between('credited.invited_on', 'credited.as_of') }} as age_days,
        {{ days_between('credited.first_order_on', 'credited.as_of') }} as success_age_days,
        case when credited.is_success then case when brought_in.has_cost then 'margin' else 'net' end end as basis,
        case
            when credited.is_success
                then coalesce(
                    case when brought_in.has_cost then brought_in.margin_amount else brought_in.net_amount end, 0
                ) - coalesce(returns.unlinked_365d, 0)
        end as referee_value
    from credited
    left join brought_in
        on credited.as_of = brought_in.as_of
            and credited.source = brought_in.source
            and credited.referral_id = brought_in.referral_id
    left join {{ ref('feat_return') }} as returns
        on credited.as_of = returns.as_of and credited.referee_id = returns.customer_id and credited.is_success
),

discounted as (
    select
        * exclude (referee_value),
        cast(referee_value as decimal(18, 2)) as referee_value,
        cast(
            case
                when is_success and success_age_days <= 365
                    then round(
                        (
                            {{ var('referral_incremental_share') }} * cast(referee_value as double)
                            + {{ var('referral_acquisition_saved') }}
                            - coalesce(cast(reward_cost as double), 0)
                        ) * pow(1 + {{ var('referral_discount_rate') }}, -success_age_days / 365.0),
                        2
                    )
            end as decimal(18, 2)
        ) as referral_value
    from valued
)

select * from discounted
