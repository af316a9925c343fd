{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

items as (
    select
        as_of,
        source,
        feedback_id,
        customer_id,
        kind,
        created_on,
        age_days,
        related_order_id
    from {{ ref('feat_feedback_item') }}
),

-- the few orders somebody spoke of, then their lines: what the order was mostly about
lines_spoken_of as (
    select
        as_of_dates.as_of,
        lines.source,
        lines.order_id,
        lines.product_id,
        lines.net_amount
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of and {{ is_known('lines', 'as_of_dates') }}
    semi join items
        on as_of_dates.as_of = items.as_of
            and lines.source = items.source
            and lines.order_id = items.related_order_id
),

money_per_category as (
    select
        lines.as_of,
        lines.source,
        lines.order_id,
        products.category,
        sum(lines.net_amount) as net_amount
    from lines_spoken_of as lines
    inner join as_of_dates on lines.as_of = as_of_dates.as_of
    inner join {{ ref('stg_products') }} as products
        on lines.source = products.source
            and lines.product_id = products.product_id
            and {{ is_known('products', 'as_of_dates') }}
    where products.category is not null
    group by lines.as_of, lines.source, lines.order_id, products.category
),

categories as (
    select
        as_of,
        source,
        order_id,
        category,
        row_number() over (partition by as_of, source, order_id order by net_amount desc, category asc) as place
    from money_per_category
),

owners as (
    select
        as_of_dates.as_of,
        profiles.customer_id,
        {{ freshest('account_owner') }}
    from {{ ref('stg_customers') }} as profiles
    inner join as_of_dates on {{ is_known('profiles', 'as_of_dates') }}
    semi join items on as_of_dates.as_of = items.as_of and profiles.customer_id = items.customer_id
    group by as_of_dates.as_of, profiles.customer_id
),

-- satisfaction answers around a complaint: the last of the year before it, the first of the half-year from its day on
answers as (
    select
        as_of_dates.as_of,
        responses.customer_id,
        responses.answered_on,
        -- several answers of one day are their mean, in hundredths
        cast(
            round(100 * cast(sum(try_cast(responses.answer as integer)) as double) / count(*)) as integer
        ) as score_hundredths
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where responses.question_kind = 'csat' and try_cast(responses.answer as integer) between 1 and 5
    group by as_of_dates.as_of, responses.customer_id, responses.answered_on
),

answers_around as (
    select
        items.as_of,
        items.source,
        items.feedback_id,
        max(answers.answered_on) filter (where answers.answered_on < items.created_on) as before_on,
        min(answers.answered_on) filter (where answers.answered_on >= items.created_on) as after_on
    from items
    inner join answers
        on items.as_of = answers.as_of
            and items.customer_id = answers.customer_id
            and answers.answered_on between items.created_on - 365 and items.created_on + 180
    where items.kind = 'complaint'
    group by items.as_of, items.source, items.feedback_id
),

-- days with an order, their number in the customer's life and the next one
occasions as (
    select
        as_of,
        customer_id,
        ordered_on,
        row_number() over (partition by as_of, customer_id order by ordered_on) as number,
        lead(ordered_on) over (partition by as_of, customer_id order by ordered_on) as next_on
    from (
        select
            as_of,
            customer_id,
            ordered_on
        from {{ ref('feat_order') }}
        where is_valid and customer_id is not null and as_of in (select as_of from items)
        group by as_of, customer_id, ordered_on
    ) as days
),

complainers as (
    select
        as_of,
        customer_id
    from items
    where kind = 'complaint' and customer_id is not null
    group by as_of, customer_id
),

-- like with like: bought last in the same month, as their first, second or third, fourth to ninth, or later occasion
without_complaint as (
    select
        occasions.as_of,
        date_trunc('month', occasions.ordered_on) as month_on,
        {{ occasion_band('occasions.number') }} as band,
        count(*) as occasions,
        count(*) filter (where occasions.next_on <= occasions.ordered_on + 60) as reorders
    from occasions
    anti join complainers
        on occasions.as_of = complainers.as_of and occasions.customer_id = complainers.customer_id
    where occasions.ordered_on < occasions.as_of - 60
    group by occasions.as_of, date_trunc('month', occasions.ordered_on), {{ occasion_band('occasions.number') }}
),

last_before as (
    select
        items.as_of,
        items.source,
        items.feedback_id,
        max(occasions.number) as number,
        max(occasions.ordered_on) as last_ordered_on,
        max(occasions.next_on) as next_on
    from items
    inner join occasions
        on items.as_of = occasions.as_of
            and items.customer_id = occasions.customer_id
            and items.created_on >= occasions.ordered_on
            and items.created_on < coalesce(occasions.next_on, items.as_of)
    where items.kind = 'complaint' and items.age_days > 60
    group by items.as_of, items.source, items.feedback_id
),

outcomes as (
    select
        items.as_of,
        items.source,
        items.feedback_id,
        categories.category,
        owners.account_owner as owner,
        cast(before.score_hundredths as integer) as csat_before_hundredths,
        cast(after.score_hundredths as integer) as csat_after_hundredths,
        last_before.number is not null as is_observed_60d,
        case
            when last_before.number is not null
                then coalesce(last_before.next_on <= items.created_on + 60, false)
        end as has_reordered_60d,
        cast(
            case
                when without_complaint.occasions >= {{ var('min_cell_customers') }}
                    then round(cast(without_complaint.reorders as double) / without_complaint.occasions, 4)
            end as decimal(5, 4)
        ) as expected_reorder_share
    from items
    left join categories
        on items.as_of = categories.as_of
            and items.source = categories.source
            and items.related_order_id = categories.order_id
            and categories.place = 1
    left join owners on items.as_of = owners.as_of and items.customer_id = owners.customer_id
    left join answers_around
        on items.as_of = answers_around.as_of
            and items.source = answers_around.source
            and items.feedback_id = answers_around.feedback_id
    left join answers as before
        on answers_around.as_of = before.as_of
            and items.customer_id = before.customer_id
            and answers_around.before_on = before.answered_on
    left join answers as after
        on answers_around.as_of = after.as_of
            and items.customer_id = after.customer_id
            and answers_around.after_on = after.answered_on
    left join last_before
        on items.as_of = last_before.as_of
            and items.source = last_before.source
            and items.feedback_id = last_before.feedback_id
    left join without_complaint
        on last_before.as_of = without_complaint.as_of
            and date_trunc('month', last_before.last_ordered_on) = without_complaint.month_on
            and {{ occasion_band('last_before.number') }} = without_complaint.band
)

select * from outcomes
