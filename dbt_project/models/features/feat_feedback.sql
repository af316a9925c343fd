with

as_of_dates as (
    {{ as_of_dates() }}
),

items as (
    select
        as_of_dates.as_of,
        feedback.*,
        {{ days_between('feedback.created_on', 'as_of_dates.as_of') }} as age_days,
        feedback.resolved_at is null or feedback.resolved_at >= cast(as_of_dates.as_of as timestamp) as is_open
    from {{ ref('stg_feedback') }} as feedback
    inner join as_of_dates
        on feedback.created_on < as_of_dates.as_of and {{ is_known('feedback', 'as_of_dates') }}
    where feedback.customer_id is not null
),

items_per_customer as (
    select
        as_of,
        customer_id,
        count(*) filter (where kind = 'complaint' and age_days <= 365) as complaints_365d,
        count(*) filter (where kind = 'suggestion' and age_days <= 365) as suggestions_365d,
        count(*) filter (where kind = 'review' and age_days <= 365) as reviews_365d,
        count(*) filter (where kind = 'enquiry' and age_days <= 365) as enquiries_365d,
        count(*) filter (where kind = 'complaint' and is_open) as open_complaints,
        sum(rating) filter (where age_days <= 365) as rating_sum,
        count(rating) filter (where age_days <= 365) as ratings,
        max(created_on) as last_item_on
    from items
    group by as_of, customer_id
),

answers as (
    select
        as_of_dates.as_of,
        responses.customer_id,
        responses.question_kind,
        responses.answered_on,
        try_cast(responses.answer as integer) as score,
        row_number() over (
            partition by as_of_dates.as_of, responses.customer_id, responses.question_kind
            order by
                responses.answered_on desc, responses.survey_id desc, responses.wave desc,
                responses.question_id desc, responses.source asc
        ) as newness
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where responses.customer_id is not null
),

answers_per_customer as (
    select
        as_of,
        customer_id,
        max(score) filter (where question_kind = 'csat' and newness = 1) as csat_last,
        max(score) filter (where question_kind = 'nps' and newness = 1) as nps_last,
        max(answered_on) as last_answer_on
    from answers
    group by as_of, customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        {%- for kind in ['complaints_365d', 'suggestions_365d', 'reviews_365d', 'enquiries_365d', 'open_complaints'] %}
        case when delivered.has_feedback then coalesce(items.{{ kind }}, 0) end as {{ kind }},
        {%- endfor %}
        cast(cast(items.rating_sum as double) / nullif(items.ratings, 0) as decimal(4, 2)) as rating_mean_365d,
        answers.csat_last,
        answers.nps_last,
        case when delivered.has_returns then coalesce(returns.returns_365d, 0) end as returns_365d,
        cast(
            case when delivered.has_returns then coalesce(returns.return_amount_365d, 0) end as decimal(18, 2)
        ) as return_amount_365d,
        greatest(items.last_item_on, answers.last_answer_on) as last_feedback_on,
        delivered.has_feedback,
        delivered.has_survey_responses,
        delivered.has_returns
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join items_per_customer as items
        on customers.as_of = items.as_of and customers.customer_id = items.customer_id
    left join answers_per_customer as answers
        on customers.as_of = answers.as_of and customers.customer_id = answers.customer_id
    left join {{ ref('feat_return') }} as returns
        on customers.as_of = returns.as_of and customers.customer_id = returns.customer_id
),

-- an opinion is known only when it was given; a count is known as soon as its extract is delivered
covered as (
    select
        * exclude (has_feedback, has_survey_responses, has_returns),
        {{ share_known(0, {
            'has_feedback': 5,
            'rating_mean_365d is not null': 1,
            'csat_last is not null': 1,
            'nps_last is not null': 1,
            'has_returns': 2,
            'has_feedback or has_survey_responses': 1,
        }) }} as feedback_coverage
    from customers
)

select * from covered
order by {{ customer_order() }}
