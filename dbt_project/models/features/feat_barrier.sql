-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{%- set questions = {'purchase_barrier': 'barrier', 'stop_reason': 'stop_reason'} %}
{%- set codes = ['feature_gap', 'product_experience', 'after_sales', 'price'] %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

words as (
    select * from {{ ref('barrier_words') }}
),

-- of an answer without an attribute there is one; of several the last counts
told as (
    select
        answers.as_of,
        answers.customer_id,
        answers.question_kind,
        coalesce(words.barrier_code, case when answers.question_kind = 'lost_to' then 'competitor' end) as barrier_code,
        answers.answer,
        answers.attribute,
        answers.age_days
    from {{ ref('feat_survey_answer') }} as answers
    left join words on words.kind = 'answer' and answers.answer = words.word
    where answers.question_kind in ('purchase_barrier', 'stop_reason', 'lost_to')
),

stated as (
    select
        as_of,
        customer_id
        {%- for question, column in questions.items() %},
        first(barrier_code order by age_days asc, attribute asc) filter (where question_kind = '{{ question }}')
            as {{ column }}_stated,
        min(age_days) filter (where question_kind = '{{ question }}') as {{ column }}_stated_days
        {%- endfor %},
        first(answer order by age_days asc, attribute asc) filter (where question_kind = 'lost_to') as lost_to_stated,
        min(age_days) filter (where question_kind = 'lost_to') as lost_to_stated_days
    from told
    where barrier_code is not null
    group by as_of, customer_id
),

complaints as (
    select
        items.as_of,
        items.customer_id,
        words.barrier_code
    from {{ ref('feat_feedback_item') }} as items
    inner join words on words.kind = 'topic' and items.topic = words.word
    where items.kind = 'complaint' and items.age_days <= {{ var('barrier_days') }} and items.customer_id is not null
),

returned as (
    select
        as_of_dates.as_of,
        returns.customer_id,
        words.barrier_code
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on
            returns.returned_on < as_of_dates.as_of
            and returns.returned_on >= as_of_dates.as_of - {{ var('barrier_days') }}
            and {{ is_known('returns', 'as_of_dates') }}
    inner join words on words.kind = 'return_reason' and {{ code('returns.reason_code') }} = words.word
    where returns.customer_id is not null
),

evidence as (
    select
        as_of,
        customer_id,
        {%- for code in codes %}
        count(*) filter (where barrier_code = '{{ code }}') as {{ code }}_evidence{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select * from complaints
        union all
        select * from returned
    ) as items
    group by as_of, customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        stated.barrier_stated,
        cast(stated.barrier_stated_days as integer) as barrier_stated_days,
        stated.stop_reason_stated,
        cast(stated.stop_reason_stated_days as integer) as stop_reason_stated_days,
        stated.lost_to_stated,
        cast(stated.lost_to_stated_days as integer) as lost_to_stated_days,
        {%- for code in codes %}
        cast(
            case when delivered.has_feedback or delivered.has_returns then coalesce(evidence.{{ code }}_evidence, 0) end
            as bigint
        ) as {{ code }}_evidence{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join stated
        on customers.as_of = stated.as_of and customers.customer_id = stated.customer_id
    left join evidence
        on customers.as_of = evidence.as_of and customers.customer_id = evidence.customer_id
)

select * from customers
order by {{ customer_order() }}
