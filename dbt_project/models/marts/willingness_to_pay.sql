-- Jinja loops write lines whose indent and length the linter cannot know.
-- noqa: disable=LT02,LT05
{{ config(location=var('run_dir') ~ '/marts/willingness_to_pay.parquet') }}

{%- set schemes = var('survey_schemes') %}
{%- set points = ['too_cheap', 'cheap', 'expensive', 'too_expensive'] %}

with

answers as (
    select
        cast(customer_id as varchar) as customer_id,
        question_kind,
        attribute,
        answer
    from {{ ref('feat_survey_answer') }}
    where as_of = {{ marts_as_of() }} and age_days <= {{ var('stated_valid_days') }}
),

-- the point alone, or with the product category before or behind it: too_cheap, phone:too_cheap, too_cheap:phone
prices as (
    select
        customer_id,
        case
            when list_contains(['{{ points | join("', '") }}'], split_part(attribute, ':', 1)) then split_part(attribute, ':', 1)
            else split_part(attribute, ':', 2)
        end as point,
        coalesce(
            nullif(
                case
                    when list_contains(['{{ points | join("', '") }}'], split_part(attribute, ':', 1))
                        then split_part(attribute, ':', 2)
                    else split_part(attribute, ':', 1)
                end,
                ''
            ),
            'all'
        ) as category,
        try_cast(answer as decimal(18, 2)) as price
    from answers
    where question_kind = 'price_van_westendorp'
),

-- one row a person: all four prices, each above the one before; who contradicts himself is counted and left out
people as (
    select
        customer_id,
        category
        {%- for point in points %},
        max(price) filter (where point = '{{ point }}') as {{ point }}
        {%- endfor %}
    from prices
    where price > 0
    group by customer_id, category
    having
        {%- for point in points %}
        {{ point }} is not null{{ ' and' if not loop.last }}
        {%- endfor %}
),

grouped as (
    {{ marts_by_group('people', schemes) }}
),

asked as (
    select
        scheme,
        segment_code,
        category,
        count(*) as asked_customers,
        count(*) filter (where too_cheap < cheap and cheap < expensive and expensive < too_expensive) as respondents
    from grouped
    group by scheme, segment_code, category
),

told as (
    {%- for point in points %}
    select
        scheme,
        segment_code,
        category,
        '{{ point }}' as point,
        {{ point }} as price
    from grouped
    where too_cheap < cheap and cheap < expensive and expensive < too_expensive
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- every price that was named, with how many named it as what
ladder as (
    select
        scheme,
        segment_code,
        category,
        price
        {%- for point in points %},
        count(*) filter (where point = '{{ point }}') as {{ point }}
        {%- endfor %}
    from told
    group by scheme, segment_code, category, price
),

-- at each price: for whom it is (too) cheap, whose own limit is there or above; for whom (too) expensive, at or below
curves as (
    select
        scheme,
        segment_code,
        category,
        price,
        sum(too_cheap) over above as too_cheap,
        sum(cheap) over above as cheap,
        sum(expensive) over below as expensive,
        sum(too_expensive) over below as too_expensive,
        sum(cheap) over whole as respondents
    from ladder
    window
        below as (partition by scheme, segment_code, category order by price rows between unbounded preceding and current row),
        above as (partition by scheme, segment_code, category order by price rows between current row and unbounded following),
        whole as (partition by scheme, segment_code, category)
),

-- where two curves cross: the middle between the highest price at which the rising one is not yet above the falling one
-- and the lowest at which it is not below it any more; also where the two lie on each other for a while
{%- set crossing = {
    'marginal_cheapness': ['respondents - cheap', 'too_cheap'],
    'optimal_price': ['too_expensive', 'too_cheap'],
    'indifference_price': ['expensive', 'cheap'],
    'marginal_expensiveness': ['too_expensive', 'respondents - expensive'],
} %}

crossings as (
    select
        scheme,
        segment_code,
        category
        {%- for name, (rising, falling) in crossing.items() %},
        (
            min(price) filter (where {{ rising }} >= {{ falling }}) + max(price) filter (where {{ rising }} <= {{ falling }})
        ) / 2 as {{ name }}
        {%- endfor %}
    from curves
    group by scheme, segment_code, category
),

opinions as (
    select
        customer_id,
        max(try_cast(answer as integer)) filter (
            where question_kind = 'perceived_value' and try_cast(answer as integer) between 1 and 5
        ) as perceived_value,
        bool_or(answer = 'limited') filter (where question_kind = 'budget') as is_limited
    from answers
    where question_kind in ('perceived_value', 'budget') and attribute = ''
    group by customer_id
),

opinions_by_group as (
    {{ marts_by_group('opinions', schemes) }}
),

valued as (
    select
        scheme,
        segment_code,
        'all' as category,
        count(perceived_value) as value_answers,
        sum(perceived_value) as value_points,
        count(is_limited) as budget_answers,
        count(*) filter (where is_limited) as limited_budgets
    from opinions_by_group
    group by scheme, segment_code
),

cells as (
    select
        scheme,
        segment_code,
        category
    from asked
    union
    select
        scheme,
        segment_code,
        category
    from valued
),

group_words as (
    {{ marts_group_words() }}
),

labelled as (
    select
        cells.scheme,
        cells.segment_code,
        cells.category,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        coalesce(asked.asked_customers, 0) as asked_customers,
        coalesce(asked.respondents, 0) as respondents,
        {%- for price in crossing %}
        cast(
            case when asked.respondents >= {{ var('wtp_min_respondents') }} then round(crossings.{{ price }}, 2) end
            as decimal(18, 2)
        ) as {{ price }},
        {%- endfor %}
        coalesce(valued.value_answers, 0) as value_answers,
        cast(
            case
                when valued.value_answers >= {{ var('need_min_customers') }}
                    then round(cast(valued.value_points as double) / valued.value_answers, 2)
            end as decimal(4, 2)
        ) as perceived_value_mean,
        coalesce(valued.budget_answers, 0) as budget_answers,
        cast(
            case
                when valued.budget_answers >= {{ var('need_min_customers') }}
                    then round(cast(valued.limited_budgets as double) / valued.budget_answers, 4)
            end as decimal(5, 4)
        ) as limited_budget_share,
        -- a group made of a personal trait is for a person to look at before anything follows from it
        cells.scheme = 'age_band' as needs_review
    from cells
    left join asked
        on
            cells.scheme = asked.scheme
            and cells.segment_code = asked.segment_code
            and cells.category = asked.category
    left join crossings
        on
            cells.scheme = crossings.scheme
            and cells.segment_code = crossings.segment_code
            and cells.category = crossings.category
    left join valued
        on
            cells.scheme = valued.scheme
            and cells.segment_code = valued.segment_code
            and cells.category = valued.category
    left join group_words
        on cells.scheme = group_words.scheme and cells.segment_code = group_words.segment_code
)

select * from labelled
order by scheme, segment_code, category
