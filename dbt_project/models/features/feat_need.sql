-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{%- set needs = ['price', 'function', 'service', 'quality_brand', 'experience'] %}
{%- set topics = {'function': 'function', 'service': 'service', 'experience': 'experience'} %}
{%- set subtopics = {'price': 'price', 'quality_brand': 'quality'} %}
{%- do subtopics.update(topics) %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- a need may be asked for by its own name or by an attribute that is a part of it
need_names as (
    select
        attribute,
        need
    from {{ ref('kano_attributes') }}
    where need is not null
    union
    select
        need as attribute,
        need
    from {{ ref('kano_attributes') }}
    where need is not null
),

importance as (
    select
        answers.as_of,
        answers.customer_id,
        need_names.need,
        try_cast(answers.answer as integer) as importance,
        answers.age_days
    from {{ ref('feat_survey_answer') }} as answers
    inner join need_names on answers.attribute = need_names.attribute
    where answers.question_kind = 'importance' and try_cast(answers.answer as integer) between 1 and 5
),

-- of parts of a need asked for on one day the one that matters most
stated as (
    select
        as_of,
        customer_id,
        {%- for need in needs %}
        first(importance order by age_days asc, importance desc) filter (where need = '{{ need }}')
            as stated_{{ need }},
        min(age_days) filter (where need = '{{ need }}') as stated_{{ need }}_days{{ ',' if not loop.last }}
        {%- endfor %}
    from importance
    group by as_of, customer_id
),

said as (
    select
        as_of,
        customer_id,
        topic,
        subtopic,
        count(*) as items
    from {{ ref('feat_feedback_item') }}
    where age_days <= 365 and customer_id is not null and topic is not null
    group by as_of, customer_id, topic, subtopic
),

-- what a customer speaks of most within a topic; among subtopics as frequent the first in the alphabet
spoken as (
    select
        as_of,
        customer_id,
        sum(items) as topic_items,
        {%- for topic in topics.values() %}
        coalesce(sum(items) filter (where topic = '{{ topic }}'), 0) as {{ topic }}_items,
        {%- endfor %}
        {%- for need, topic in subtopics.items() %}
        first(subtopic order by items desc, subtopic asc) filter (where topic = '{{ topic }}' and subtopic is not null)
            as {{ need }}_subtopic{{ ',' if not loop.last }}
        {%- endfor %}
    from said
    group by as_of, customer_id
),

contacts as (
    select
        as_of_dates.as_of,
        tickets.customer_id,
        count(*) as contacts,
        count(*) filter (where tickets.kind in ('install', 'repair')) as installs_repairs
    from {{ ref('stg_service_tickets') }} as tickets
    inner join as_of_dates
        on
            tickets.opened_on < as_of_dates.as_of
            and tickets.opened_on >= as_of_dates.as_of - {{ var('window_days') }}
            and {{ is_known('tickets', 'as_of_dates') }}
    where tickets.customer_id is not null
    group by as_of_dates.as_of, tickets.customer_id
),

comparisons as (
    select
        as_of_dates.as_of,
        events.customer_id,
        count(*) as compares
    from {{ ref('stg_web_events') }} as events
    inner join as_of_dates
        on
            events.event_on < as_of_dates.as_of
            and events.event_on >= as_of_dates.as_of - 90
            and {{ is_known('events', 'as_of_dates') }}
    where events.event = 'compare' and events.customer_id is not null
    group by as_of_dates.as_of, events.customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id
        {%- for need in needs %},
        cast(stated.stated_{{ need }} as integer) as stated_{{ need }},
        cast(stated.stated_{{ need }}_days as integer) as stated_{{ need }}_days
        {%- endfor %},
        cast(case when delivered.has_feedback then coalesce(spoken.topic_items, 0) end as bigint) as topic_items_365d
        {%- for topic in topics.values() %},
        cast(case when delivered.has_feedback then coalesce(spoken.{{ topic }}_items, 0) end as bigint)
            as {{ topic }}_items_365d,
        -- of a single item every share is 0 or 1
        case
            when spoken.topic_items >= 2
                then round(cast(spoken.{{ topic }}_items as double) / cast(spoken.topic_items as double), 4)
        end as {{ topic }}_share_365d
        {%- endfor %}
        {%- for need in subtopics %},
        spoken.{{ need }}_subtopic
        {%- endfor %},
        cast(case when delivered.has_service_tickets then coalesce(contacts.contacts, 0) end as bigint)
            as service_contacts_w,
        cast(case when delivered.has_service_tickets then coalesce(contacts.installs_repairs, 0) end as bigint)
            as installs_repairs_w,
        cast(case when delivered.has_web_events then coalesce(comparisons.compares, 0) end as bigint) as compares_90d,
        reactions.unbought_after_rise_share
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join stated
        on customers.as_of = stated.as_of and customers.customer_id = stated.customer_id
    left join spoken
        on customers.as_of = spoken.as_of and customers.customer_id = spoken.customer_id
    left join contacts
        on customers.as_of = contacts.as_of and customers.customer_id = contacts.customer_id
    left join comparisons
        on customers.as_of = comparisons.as_of and customers.customer_id = comparisons.customer_id
    left join {{ ref('feat_price_reaction') }} as reactions
        on customers.as_of = reactions.as_of and customers.customer_id = reactions.customer_id
)

select * from customers
order by {{ customer_order() }}
