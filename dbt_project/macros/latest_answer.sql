{#
    CTEs of the last answer of every customer to one kind of question, no older than stated_days: <name>_answers with
    as_of, customer_id and `answer`, the value of `reading` over answer_code (the answer in one spelling). What cannot be
    read is no answer. Ties: the survey, wave and question named last, then the first source.
#}
{% macro latest_answer(name, question, reading) -%}
{{ name }}_readings as (
    select
        as_of,
        customer_id,
        {{ reading | trim }} as answer,
        answered_on,
        survey_id,
        wave,
        question_id,
        source
    from (
        select
            as_of_dates.as_of,
            responses.*,
            {{ code('responses.answer') }} as answer_code
        from {{ ref('stg_survey_responses') }} as responses
        inner join as_of_dates
            on responses.answered_on < as_of_dates.as_of
                and responses.answered_on >= as_of_dates.as_of - {{ var('stated_days') }}
                and {{ is_known('responses', 'as_of_dates') }}
        where responses.customer_id is not null and {{ question }}
    ) as asked
),

{{ name }}_answers as (
    select
        as_of,
        customer_id,
        first(
            answer order by
                answered_on desc, survey_id desc, wave desc, question_id desc, source asc, answer asc
        ) as answer
    from {{ name }}_readings
    where answer is not null
    group by as_of, customer_id
)
{%- endmacro %}
