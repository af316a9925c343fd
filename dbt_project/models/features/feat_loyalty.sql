-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{#- a window that ends at as_of, and the same one half a year before -#}
{% set moments = {'': 0, '_180d_ago': 180} %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

answers as (
    select
        as_of_dates.as_of,
        responses.customer_id,
        responses.question_kind,
        try_cast(responses.answer as integer) as score,
        {{ days_between('responses.answered_on', 'as_of_dates.as_of') }} as age_days,
        row_number() over (
            partition by
                as_of_dates.as_of, responses.customer_id, responses.question_kind,
                {{ days_between('responses.answered_on', 'as_of_dates.as_of') }} > 180
            order by
                responses.answered_on desc, responses.survey_id desc, responses.wave desc,
                responses.question_id desc, responses.source asc
        ) as newness
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where
        responses.customer_id is not null
        and responses.question_kind in ('nps', 'repurchase_intent')
        and try_cast(responses.answer as integer) between 0 and 10
),

answers_per_customer as (
    select
        as_of,
        customer_id,
        {%- for kind, name in [('nps', 'recommend'), ('repurchase_intent', 'repurchase')] %}
        coalesce(
            max(score) filter (where question_kind = '{{ kind }}' and newness = 1 and age_days <= 180),
            max(score) filter (where question_kind = '{{ kind }}' and newness = 1 and age_days > 180)
        ) as {{ name }},
        max(score) filter (where question_kind = '{{ kind }}' and newness = 1 and age_days > 180)
            as {{ name }}_180d_ago{{ ',' if not loop.last }}
        {%- endfor %}
    from answers
    group by as_of, customer_id
),

-- what helps: praise that was rated or read out of the text, and proposals; what hurts: a complaint left lying
items_per_customer as (
    select
        as_of,
        customer_id,
        {%- for suffix, ago in moments.items() %}
        count(*) filter (
            where
            (kind = 'suggestion' or (kind = 'review' and sentiment > 0.5))
            and age_days between {{ ago + 1 }} and {{ ago + 365 }}
        ) as constructive_feedback_365d{{ suffix }},
        count(*) filter (
            where
            kind = 'complaint'
            and age_days between {{ ago + 1 }} and {{ ago + 365 }}
            and (
                resolved_at is null
                or resolved_at >= cast(as_of - {{ ago }} as timestamp)
                or (reopened_at >= resolved_at and reopened_at < cast(as_of - {{ ago }} as timestamp))
            )
        ) as unresolved_complaints_365d{{ suffix }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('feat_feedback_item') }}
    where customer_id is not null
    group by as_of, customer_id
),

referrals_per_customer as (
    select
        as_of,
        referrer_id as customer_id,
        count(*) filter (where age_days between 181 and 545) as invites_180d_ago,
        count(*) filter (where is_success and success_age_days between 181 and 545) as conversions_180d_ago
    from {{ ref('feat_referral') }}
    group by as_of, referrer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        answers.repurchase as repurchase_intent_last,
        answers.recommend_180d_ago as nps_180d_ago,
        {%- for suffix in moments %}
        cast(
            cast(coalesce(answers.recommend{{ suffix }}, 0) + coalesce(answers.repurchase{{ suffix }}, 0) as double)
            / nullif(
                cast(answers.recommend{{ suffix }} is not null as integer)
                + cast(answers.repurchase{{ suffix }} is not null as integer),
                0
            ) as decimal(4, 2)
        ) as stated_loyalty{{ suffix }},
        case when delivered.has_feedback then coalesce(items.constructive_feedback_365d{{ suffix }}, 0) end
            as constructive_feedback_365d{{ suffix }},
        {%- endfor %}
        case when delivered.has_feedback then coalesce(items.unresolved_complaints_365d_180d_ago, 0) end
            as unresolved_complaints_365d_180d_ago,
        case when delivered.has_referrals then coalesce(referrals.invites_180d_ago, 0) end as invites_365d_180d_ago,
        case when delivered.has_referrals then coalesce(referrals.conversions_180d_ago, 0) end
            as conversions_365d_180d_ago
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join answers_per_customer as answers
        on customers.as_of = answers.as_of and customers.customer_id = answers.customer_id
    left join items_per_customer as items
        on customers.as_of = items.as_of and customers.customer_id = items.customer_id
    left join referrals_per_customer as referrals
        on customers.as_of = referrals.as_of and customers.customer_id = referrals.customer_id
)

select * from customers
order by {{ customer_order() }}
