-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{%- set kinds = ['lifestyle', 'life_value', 'motive', 'finance_employment'] %}

with

-- an answer in words the dictionary knows, and the one that was given last
answers as (
    select
        answers.as_of,
        answers.customer_id,
        answers.question_kind,
        answers.attribute,
        answers.age_days,
        dictionary.code,
        dictionary.group_code
    from {{ ref('feat_survey_answer') }} as answers
    left join {{ ref('lifestyle_groups') }} as dictionary
        on answers.question_kind = dictionary.question_kind and answers.answer = dictionary.answer
    where answers.question_kind in ('{{ kinds | join("', '") }}')
),

told as (
    select
        as_of,
        customer_id,
        {%- for kind in kinds %}
        first(code order by age_days asc, attribute asc)
        filter (where question_kind = '{{ kind }}' and code is not null) as {{ kind }},
        min(age_days) filter (where question_kind = '{{ kind }}' and code is not null) as {{ kind }}_days,
        {%- endfor %}
        {%- for kind in kinds[:3] %}
        first(group_code order by age_days asc, attribute asc)
        filter (where question_kind = '{{ kind }}' and group_code is not null) as {{ kind }}_group,
        min(age_days) filter (where question_kind = '{{ kind }}' and group_code is not null) as {{ kind }}_group_days,
        {%- endfor %}
        bool_or(question_kind <> 'finance_employment') as has_answer
    from answers
    group by as_of, customer_id
),

-- what somebody says of the way they live goes before what they value, and that before why they buy
grouped as (
    select
        *,
        case
            {%- for kind in kinds[:3] %}
            when {{ kind }}_group is not null then '{{ kind }}'
            {%- endfor %}
        end as lifestyle_basis,
        coalesce(lifestyle_group, life_value_group, motive_group) as stated_group,
        case
            {%- for kind in kinds[:3] %}
            when {{ kind }}_group is not null then {{ kind }}_group_days
            {%- endfor %}
        end as stated_days
    from told
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        grouped.stated_group as lifestyle_group,
        grouped.lifestyle_basis,
        case when grouped.stated_group is not null then 'survey' end as lifestyle_source,
        cast(grouped.stated_days as integer) as lifestyle_age_days,
        grouped.life_value,
        cast(grouped.life_value_days as integer) as life_value_age_days,
        grouped.motive as motive_stated,
        cast(grouped.motive_days as integer) as motive_age_days,
        grouped.finance_employment as employment_stated,
        cast(grouped.finance_employment_days as integer) as employment_age_days,
        case when delivered.has_survey_responses then coalesce(grouped.has_answer, false) end as has_lifestyle_answer
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join grouped
        on customers.as_of = grouped.as_of and cast(customers.customer_id as varchar) = grouped.customer_id
)

select * from customers
order by {{ customer_order() }}
