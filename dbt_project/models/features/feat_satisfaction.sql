with

as_of_dates as (
    {{ as_of_dates() }}
),

answers as (
    select
        as_of_dates.as_of,
        responses.customer_id,
        responses.question_kind,
        case
            when responses.question_kind = 'csat' and try_cast(responses.answer as integer) between 1 and 5
                then try_cast(responses.answer as integer)
            when responses.question_kind = 'nps' and try_cast(responses.answer as integer) between 0 and 10
                then try_cast(responses.answer as integer)
        end as score,
        {{ days_between('responses.answered_on', 'as_of_dates.as_of') }} as age_days,
        {{ half_life_weight(days_between('responses.answered_on', 'as_of_dates.as_of')) }} as weight
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where responses.customer_id is not null and responses.question_kind in ('csat', 'nps')
),

answers_per_customer as (
    select
        as_of,
        customer_id,
        count(score) filter (where age_days <= 365) as answers_365d,
        sum(weight * (score - 1)) filter (where question_kind = 'csat' and score is not null) as csat_sum,
        sum(weight) filter (where question_kind = 'csat' and score is not null) as csat_weights,
        sum(weight * score) filter (where question_kind = 'nps' and score is not null) as nps_sum,
        sum(weight) filter (where question_kind = 'nps' and score is not null) as nps_weights
    from answers
    group by as_of, customer_id
),

items as (
    select
        as_of,
        customer_id,
        kind,
        rating,
        created_on,
        age_days,
        resolved_at is null or coalesce(reopened_at >= resolved_at, false) as is_unresolved,
        {{ half_life_weight('age_days') }} as weight
    from {{ ref('feat_feedback_item') }}
    where customer_id is not null and kind in ('review', 'complaint')
),

items_per_customer as (
    select
        as_of,
        customer_id,
        sum(weight * (rating - 1)) filter (where kind = 'review' and rating between 1 and 5) as review_sum,
        sum(weight) filter (where kind = 'review' and rating between 1 and 5) as review_weights,
        count(rating) filter (where kind = 'review' and age_days <= 365) as rated_reviews_365d,
        count(*) filter (where kind = 'complaint' and age_days <= 180) as complaints_180d,
        count(*) filter (where kind = 'complaint' and age_days <= 365 and is_unresolved) as unresolved_complaints_365d,
        max(created_on) filter (where kind = 'complaint' and age_days <= 365) as last_complaint_on
    from items
    group by as_of, customer_id
),

-- who complained and bought again on a later day; an order of the same day may have been the cause
reorders as (
    select
        complained.as_of,
        complained.customer_id,
        {{ days_between('complained.last_complaint_on', 'min(orders.ordered_on)') }} as reorder_days_after_complaint
    from items_per_customer as complained
    inner join {{ ref('feat_order') }} as orders
        on complained.as_of = orders.as_of
            and complained.customer_id = orders.customer_id
            and complained.last_complaint_on < orders.ordered_on
    where orders.is_valid
    group by complained.as_of, complained.customer_id, complained.last_complaint_on
),

-- an order that came back whole is no valid purchase, but it was sent
sent as (
    select
        as_of,
        customer_id,
        ordered_amount,
        least(returned_amount, ordered_amount) as returned_amount,
        {{ days_between('ordered_on', 'as_of') }} as age_days
    from {{ ref('feat_order') }}
    where customer_id is not null and is_paid and not is_excluded and ordered_amount > 0
),

sent_per_customer as (
    select
        as_of,
        customer_id,
        count(*) as shipped_orders_365d,
        sum(ordered_amount) as shipped_365d,
        sum(returned_amount) as returned_365d,
        sum(ordered_amount) filter (where age_days <= 180) as shipped_180d,
        sum(returned_amount) filter (where age_days <= 180) as returned_180d
    from sent
    where age_days <= 365
    group by as_of, customer_id
),

returned as (
    select
        sent.as_of,
        sent.customer_id,
        sent.shipped_orders_365d,
        sent.shipped_365d,
        sent.shipped_180d,
        least(sent.returned_365d + coalesce(returns.unlinked_365d, 0), sent.shipped_365d) as returned_of_shipped_365d,
        least(sent.returned_180d + coalesce(returns.unlinked_180d, 0), sent.shipped_180d) as returned_of_shipped_180d
    from sent_per_customer as sent
    left join {{ ref('feat_return') }} as returns
        on sent.as_of = returns.as_of and sent.customer_id = returns.customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        {%- for part, table, top in [('csat', 'answers', 4), ('nps', 'answers', 10), ('review', 'items', 4)] %}
        cast(
            cast({{ table }}.{{ part }}_sum as double) / ({{ top }} * {{ table }}.{{ part }}_weights) as decimal(5, 4)
        ) as {{ part }}_score,
        cast(cast({{ table }}.{{ part }}_weights as double) / 1000000 as decimal(12, 6)) as {{ part }}_weight,
        {%- endfor %}
        case
            when delivered.has_survey_responses or delivered.has_feedback
                then coalesce(answers.answers_365d, 0) + coalesce(items.rated_reviews_365d, 0)
        end as opinions_365d,
        case when delivered.has_feedback then coalesce(items.complaints_180d, 0) end as complaints_180d,
        case when delivered.has_feedback then coalesce(items.unresolved_complaints_365d, 0) end
            as unresolved_complaints_365d,
        reorders.reorder_days_after_complaint,
        coalesce(returned.shipped_orders_365d, 0) as shipped_orders_365d,
        cast(coalesce(returned.shipped_365d, 0) as decimal(18, 2)) as shipped_365d,
        cast(
            case when delivered.has_returns then coalesce(returned.returned_of_shipped_365d, 0) end as decimal(18, 2)
        ) as returned_of_shipped_365d,
        cast(
            case
                when delivered.has_returns
                    then cast(returned.returned_of_shipped_180d as double) / nullif(returned.shipped_180d, 0)
            end as decimal(5, 4)
        ) as return_rate_180d
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join answers_per_customer as answers
        on customers.as_of = answers.as_of and customers.customer_id = answers.customer_id
    left join items_per_customer as items
        on customers.as_of = items.as_of and customers.customer_id = items.customer_id
    left join reorders
        on customers.as_of = reorders.as_of and customers.customer_id = reorders.customer_id
    left join returned
        on customers.as_of = returned.as_of and customers.customer_id = returned.customer_id
)

select * from customers
order by {{ customer_order() }}
