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

orders as (
    select
        orders.as_of,
        orders.customer_id,
        orders.ordered_on,
        orders.net_amount,
        {{ month_number('orders.ordered_on') }} as month,
        min(orders.ordered_on) over (partition by orders.as_of, orders.customer_id) as first_order_on,
        -- orders of one day: the earlier's next is the same day, and no month starts between them
        lead(orders.ordered_on) over (
            partition by orders.as_of, orders.customer_id order by orders.ordered_on
        ) as next_order_on
    from {{ ref('feat_order') }} as orders
    where orders.is_valid and orders.customer_id is not null
),

bought as (
    select
        orders.as_of,
        orders.customer_id,
        orders.month,
        count(*) as orders,
        cast(sum(orders.net_amount) as decimal(18, 2)) as net_amount,
        count(*) > 1 or orders.month > {{ month_number('min(orders.first_order_on)') }} as is_repeat
    from orders
    inner join days on orders.as_of = days.as_of and orders.month between days.first_month and days.last_month
    group by orders.as_of, orders.customer_id, orders.month
),

-- the months at whose start an order is the customer's last one, and not older than the window
at_risk_months as (
    select
        orders.as_of,
        orders.customer_id,
        orders.next_order_on,
        unnest(range(
            greatest(orders.month + 1, days.first_month),
            1 + least(
                days.last_judged_month,
                {{ month_number('orders.ordered_on + ' ~ var('window_days')) }},
                coalesce({{ month_number('orders.next_order_on') }}, days.last_judged_month)
            )
        )) as month
    from orders
    inner join days on orders.as_of = days.as_of
),

at_risk as (
    select
        as_of,
        customer_id,
        cast(month as integer) as month,
        next_order_on is null or next_order_on >= {{ month_start('month') }} + {{ var('lost_after_days') }} as is_lost
    from at_risk_months
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

-- each part has one row of a customer's month and says what it knows; the others say nothing of that, so the
-- greatest is the only one
parts as (
    select * from bought

    union all by name

    select
        *,
        true as is_at_risk
    from at_risk

    union all by name

    select * from asked

    union all by name

    select
        *,
        true as is_referrer
    from invitations
),

customer_months as (
    select
        as_of,
        customer_id,
        month,
        coalesce(max(orders), 0) as orders,
        coalesce(max(net_amount), 0) as net_amount,
        coalesce(bool_or(is_repeat), false) as is_repeat,
        coalesce(bool_or(is_at_risk), false) as is_at_risk,
        coalesce(bool_or(is_lost), false) as is_lost,
        coalesce(max(csat_answers), 0) as csat_answers,
        coalesce(max(csat_satisfied), 0) as csat_satisfied,
        coalesce(max(nps_answers), 0) as nps_answers,
        coalesce(max(nps_promoters), 0) as nps_promoters,
        coalesce(max(nps_detractors), 0) as nps_detractors,
        coalesce(bool_or(is_referrer), false) as is_referrer
    from parts
    group by as_of, customer_id, month
)

select * from customer_months
