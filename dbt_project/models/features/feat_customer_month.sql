{#- twice the months that are shown, so that each of them has its year before -#}
{%- set months = var('trend_months') | int + 12 %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- complete months only: half a month beside whole ones would read as a fall
days as (
    select
        as_of,
        known_on,
        {{ month_number('as_of') }} - 1 as last_month,
        {{ month_number('as_of') }} - {{ months }} as first_month,
        -- of whoever could be lost at the start of a later month it is not known yet
        least({{ month_number('as_of') }} - 1, {{ month_number("as_of - " ~ var('lost_after_days')) }}) as last_judged_month
    from as_of_dates
),

-- A month of orders tells all that is asked of them: the day before its first order, and the one after its last, are in
-- months beside it. There are fewer months than orders, and no order has to be put between its neighbours.
order_months as (
    select
        as_of,
        customer_id,
        {{ month_number('ordered_on') }} as month,
        count(*) as orders,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        min(ordered_on) as first_on,
        max(ordered_on) as last_on
    from {{ ref('feat_order') }}
    where is_valid and customer_id is not null
    group by as_of, customer_id, {{ month_number('ordered_on') }}
),

spaced as (
    select
        *,
        lag(last_on) over (partition by as_of, customer_id order by month) as previous_on,
        lead(first_on) over (partition by as_of, customer_id order by month) as next_on
    from order_months
),

-- somebody is at risk at the start of a month while their last order is not older than the window
bought as (
    select
        spaced.as_of,
        spaced.customer_id,
        spaced.month,
        spaced.orders,
        spaced.net_amount,
        spaced.orders > 1 or spaced.previous_on is not null as is_repeat,
        spaced.month <= days.last_judged_month
        and coalesce(spaced.month <= {{ month_number("spaced.previous_on + " ~ var('window_days')) }}, false)
            as is_at_risk,
        is_at_risk and spaced.first_on >= {{ month_start('spaced.month') }} + {{ var('lost_after_days') }} as is_lost
    from spaced
    inner join days on spaced.as_of = days.as_of and spaced.month between days.first_month and days.last_month
),

-- the months at risk without an order: after one with orders, and before the next of them
waiting as (
    select
        spaced.as_of,
        spaced.customer_id,
        spaced.next_on,
        unnest(range(
            greatest(spaced.month + 1, days.first_month),
            1 + least(
                days.last_judged_month,
                {{ month_number('spaced.last_on + ' ~ var('window_days')) }},
                coalesce({{ month_number('spaced.next_on') }} - 1, days.last_judged_month)
            )
        )) as month
    from spaced
    inner join days on spaced.as_of = days.as_of
),

waited as (
    select
        as_of,
        customer_id,
        cast(month as integer) as month,
        0 as orders,
        cast(0 as decimal(18, 2)) as net_amount,
        false as is_repeat,
        true as is_at_risk,
        next_on is null or next_on >= {{ month_start('month') }} + {{ var('lost_after_days') }} as is_lost
    from waiting
),

-- no month is in both
purchases as (
    select * from bought
    union all
    select * from waited
),

answers as (
    select
        days.as_of,
        responses.customer_id,
        {{ month_number('responses.answered_on') }} as month,
        responses.question_kind,
        try_cast(responses.answer as integer) as score
    from {{ ref('stg_survey_responses') }} as responses
    inner join days on responses.answered_on < days.as_of and {{ is_known('responses', 'days') }}
    where
        responses.customer_id is not null
        and responses.question_kind in ('csat', 'nps')
        and {{ month_number('responses.answered_on') }} between days.first_month and days.last_month
),

invitations as (
    select
        days.as_of,
        referrals.referrer_id as customer_id,
        {{ month_number('referrals.invited_on') }} as month
    from {{ ref('stg_referrals') }} as referrals
    inner join days on referrals.invited_on < days.as_of and {{ is_known('referrals', 'days') }}
    where
        referrals.referrer_id is not null
        and {{ month_number('referrals.invited_on') }} between days.first_month and days.last_month
    group by days.as_of, referrals.referrer_id, {{ month_number('referrals.invited_on') }}
),

asked as (
    select
        as_of,
        customer_id,
        month,
        count(score) filter (where question_kind = 'csat') as csat_answers,
        count(*) filter (where question_kind = 'csat' and score >= 4) as csat_satisfied,
        count(score) filter (where question_kind = 'nps') as nps_answers,
        count(*) filter (where question_kind = 'nps' and score >= 9) as nps_promoters,
        count(*) filter (where question_kind = 'nps' and score <= 6) as nps_detractors
    from answers
    group by as_of, customer_id, month
),

said as (
    select
        coalesce(asked.as_of, invitations.as_of) as as_of,
        coalesce(asked.customer_id, invitations.customer_id) as customer_id,
        coalesce(asked.month, invitations.month) as month,
        asked.csat_answers,
        asked.csat_satisfied,
        asked.nps_answers,
        asked.nps_promoters,
        asked.nps_detractors,
        invitations.customer_id is not null as is_referrer
    from asked
    full outer join invitations
        on
            asked.as_of = invitations.as_of
            and asked.customer_id = invitations.customer_id
            and asked.month = invitations.month
),

customer_months as (
    select
        coalesce(purchases.as_of, said.as_of) as as_of,
        coalesce(purchases.customer_id, said.customer_id) as customer_id,
        coalesce(purchases.month, said.month) as month,
        coalesce(purchases.orders, 0) as orders,
        coalesce(purchases.net_amount, 0) as net_amount,
        coalesce(purchases.is_repeat, false) as is_repeat,
        coalesce(purchases.is_at_risk, false) as is_at_risk,
        coalesce(purchases.is_lost, false) as is_lost,
        coalesce(said.csat_answers, 0) as csat_answers,
        coalesce(said.csat_satisfied, 0) as csat_satisfied,
        coalesce(said.nps_answers, 0) as nps_answers,
        coalesce(said.nps_promoters, 0) as nps_promoters,
        coalesce(said.nps_detractors, 0) as nps_detractors,
        coalesce(said.is_referrer, false) as is_referrer
    from purchases
    full outer join said
        on
            purchases.as_of = said.as_of
            and purchases.customer_id = said.customer_id
            and purchases.month = said.month
)

select * from customer_months
