{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

answers as (
    select
        as_of_dates.as_of,
        responses.customer_id,
        responses.question_kind,
        coalesce({{ code('responses.attribute') }}, '') as attribute,
        {{ text('responses.attribute') }} as attribute_as_sent,
        {{ code('responses.answer') }} as answer,
        responses.answered_on,
        {{ days_between('responses.answered_on', 'as_of_dates.as_of') }} as age_days,
        row_number() over (
            partition by
                as_of_dates.as_of, responses.customer_id, responses.question_kind,
                coalesce({{ code('responses.attribute') }}, '')
            order by
                responses.answered_on desc, responses.survey_id desc, responses.wave desc,
                responses.question_id desc, responses.source asc, responses.answer desc
        ) as newness
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where
        responses.customer_id is not null
        and {{ text('responses.answer') }} is not null
        -- a Kano answer means nothing without the other of its pair (feat_kano_pair)
        and responses.question_kind not in ('kano_functional', 'kano_dysfunctional')
),

latest as (
    select * exclude (newness)
    from answers
    where newness = 1
)

select * from latest
