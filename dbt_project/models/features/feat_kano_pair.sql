{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

answers as (
    select
        as_of_dates.as_of,
        responses.source,
        responses.survey_id,
        responses.wave,
        responses.customer_id,
        {{ code('responses.attribute') }} as attribute,
        responses.question_kind,
        {{ kano_answer('responses.answer') }} as answer,
        responses.answered_on
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where
        responses.question_kind in ('kano_functional', 'kano_dysfunctional')
        and responses.customer_id is not null
        and responses.attribute is not null
),

-- both questions of one questionnaire; of an attribute asked twice in it no answer can be chosen, so the greater is
pairs as (
    select
        as_of,
        source,
        survey_id,
        wave,
        customer_id,
        attribute,
        max(answer) filter (where question_kind = 'kano_functional') as present_answer,
        max(answer) filter (where question_kind = 'kano_dysfunctional') as absent_answer,
        max(answered_on) as answered_on
    from answers
    group by as_of, source, survey_id, wave, customer_id, attribute
    having
        present_answer is not null
        and absent_answer is not null
),

-- a customer asked in several waves counts once, by the last
numbered as (
    select
        *,
        row_number() over (
            partition by as_of, customer_id, attribute
            order by answered_on desc, survey_id desc, wave desc, source asc
        ) as newness
    from pairs
),

judged as (
    select
        as_of,
        customer_id,
        attribute,
        present_answer,
        absent_answer,
        {{ kano_category('present_answer', 'absent_answer') }} as category,
        answered_on
    from numbered
    where newness = 1
)

select * from judged
