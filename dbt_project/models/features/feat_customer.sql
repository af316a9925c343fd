with

as_of_dates as (
    {{ as_of_dates() }}
),

with_profile as (
    select
        as_of_dates.as_of,
        customers.customer_id
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
),

with_order as (
    select
        as_of,
        customer_id
    from {{ ref('feat_order') }}
    group by as_of, customer_id
),

with_return as (
    select
        as_of,
        customer_id
    from {{ ref('feat_return') }}
),

with_feedback as (
    select
        as_of_dates.as_of,
        feedback.customer_id
    from {{ ref('stg_feedback') }} as feedback
    inner join as_of_dates
        on feedback.created_on < as_of_dates.as_of and {{ is_known('feedback', 'as_of_dates') }}
),

with_answer as (
    select
        as_of_dates.as_of,
        responses.customer_id
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
),

with_touch as (
    select
        as_of_dates.as_of,
        touches.customer_id
    from {{ ref('stg_campaign_touches') }} as touches
    inner join as_of_dates
        on touches.touched_on < as_of_dates.as_of and {{ is_known('touches', 'as_of_dates') }}
),

everyone as (
    select * from with_profile
    union all
    select * from with_order
    union all
    select * from with_return
    union all
    select * from with_feedback
    union all
    select * from with_answer
    union all
    select * from with_touch
),

customers as (
    select
        as_of,
        customer_id
    from everyone
    where customer_id is not null
    group by as_of, customer_id
)

select * from customers
