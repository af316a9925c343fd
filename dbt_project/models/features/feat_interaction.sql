{%- set several = var('enabled_sources') | length > 1 %}
{%- set has_address = 'customers.phone_hash is not null or customers.email_hash is not null' %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

messages as (
    select
        as_of,
        customer_id,
        sum(contacts_30d) as contacts_30d,
        sum(contacts_365d) as contacts_365d,
        sum(responses_365d) as responses_365d,
        sum(replies_365d) as replies_365d,
        sum(opens_90d) as opens_90d,
        sum(clicks_90d) as clicks_90d,
        sum(replies_90d) as replies_90d,
        {%- for channel in contact_channels() %}
        sum(contacts_365d) filter (where channel = '{{ channel }}') as contacts_{{ channel }}_365d,
        sum(responses_365d) filter (where channel = '{{ channel }}') as responses_{{ channel }}_365d,
        {%- endfor %}
        max(last_response_on) as last_response_on
    from {{ ref('feat_contact_channel') }}
    group by as_of, customer_id
),

visits as (
    select
        as_of,
        customer_id,
        {{ days_among('bit_or(visit_days_90d)', 90) }} as visits_90d,
        max(last_visited_on) as last_visited_on
    from {{ ref('feat_web_item') }}
    group by as_of, customer_id
),

tickets as (
    select
        as_of_dates.as_of,
        tickets.customer_id,
        count(*) filter (where tickets.opened_on >= as_of_dates.as_of - 90) as tickets_90d,
        max(tickets.opened_on) as last_ticket_on
    from {{ ref('stg_service_tickets') }} as tickets
    inner join as_of_dates
        on tickets.opened_on < as_of_dates.as_of and {{ is_known('tickets', 'as_of_dates') }}
    where tickets.customer_id is not null
    group by as_of_dates.as_of, tickets.customer_id
),

-- four and five of five are satisfied, as surveys count it
feedback as (
    select
        as_of_dates.as_of,
        feedback.customer_id,
        count(*) filter (where feedback.created_on >= as_of_dates.as_of - 90) as feedback_90d,
        max(feedback.created_on) as last_feedback_on,
        max(feedback.created_on) filter (where feedback.kind = 'complaint') as last_complained_on,
        max(feedback.created_on) filter (where feedback.kind <> 'complaint' and feedback.rating >= 4) as last_praised_on
    from {{ ref('stg_feedback') }} as feedback
    inner join as_of_dates
        on feedback.created_on < as_of_dates.as_of and {{ is_known('feedback', 'as_of_dates') }}
    where feedback.customer_id is not null
    group by as_of_dates.as_of, feedback.customer_id
),

answers as (
    select
        as_of_dates.as_of,
        responses.customer_id,
        responses.answered_on,
        responses.question_kind,
        try_cast(responses.answer as integer) as score,
        case when responses.question_kind = 'contact_channel' then {{ code('responses.answer') }} end as wish,
        responses.survey_id,
        responses.wave,
        responses.question_id,
        responses.source
    from {{ ref('stg_survey_responses') }} as responses
    inner join as_of_dates
        on responses.answered_on < as_of_dates.as_of and {{ is_known('responses', 'as_of_dates') }}
    where responses.customer_id is not null
),

surveys as (
    select
        as_of,
        customer_id,
        count(distinct survey_id || '/' || coalesce(wave, '')) filter (where answered_on >= as_of - 90) as surveys_90d,
        max(answered_on) as last_answered_on,
        max(answered_on) filter (where question_kind = 'csat' and score >= 4) as last_content_on
    from answers
    group by as_of, customer_id
),

-- the last wish counts, while it is valid; a word that names no channel is no wish
wishes as (
    select
        answers.as_of,
        answers.customer_id,
        first(
            channels.channel
            order by
                answers.answered_on desc, answers.survey_id desc, answers.wave desc, answers.question_id desc,
                answers.source asc, channels.channel asc
        ) as stated_contact_channel
    from answers
    inner join {{ ref('contact_channels') }} as channels on answers.wish = channels.word
    where answers.answered_on >= answers.as_of - {{ var('stated_valid_days') }}
    group by answers.as_of, answers.customer_id
),

returns as (
    select
        as_of_dates.as_of,
        returns.customer_id,
        max(returns.returned_on) as last_returned_on
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on returns.returned_on < as_of_dates.as_of and {{ is_known('returns', 'as_of_dates') }}
    where returns.customer_id is not null
    group by as_of_dates.as_of, returns.customer_id
),

addresses as (
    select
        as_of_dates.as_of,
        customers.customer_id,
        {{ has_address if not several else 'bool_or(' ~ has_address ~ ')' }} as has_address
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
    {{ 'group by as_of_dates.as_of, customers.customer_id' if several }}
),

-- profiles that hold nobody's phone or e-mail do not say that nobody has one
addressed as (
    select
        as_of,
        bool_or(has_address) as knows_addresses
    from addresses
    group by as_of
),

joined as (
    select
        customers.as_of,
        customers.customer_id,
        delivered.has_web_events,
        delivered.has_interactions,
        delivered.has_feedback,
        delivered.has_service_tickets,
        delivered.has_survey_responses,
        cast(case when delivered.has_web_events then coalesce(visits.visits_90d, 0) end as bigint) as visits_90d,
        {%- for count in [
            'contacts_30d', 'contacts_365d', 'responses_365d', 'replies_365d', 'opens_90d', 'clicks_90d', 'replies_90d',
        ] %}
        cast(case when delivered.has_interactions then coalesce(messages.{{ count }}, 0) end as bigint) as {{ count }},
        {%- endfor %}
        {%- for channel in contact_channels() %}
        {%- for count in ['contacts', 'responses'] %}
        cast(
            case when delivered.has_interactions then coalesce(messages.{{ count }}_{{ channel }}_365d, 0) end as bigint
        ) as {{ count }}_{{ channel }}_365d,
        {%- endfor %}
        {%- endfor %}
        coalesce(tickets.tickets_90d, 0) + coalesce(feedback.feedback_90d, 0) + coalesce(surveys.surveys_90d, 0)
            as words_90d,
        greatest(
            visits.last_visited_on, messages.last_response_on, tickets.last_ticket_on, feedback.last_feedback_on,
            surveys.last_answered_on
        ) as last_good_contact_on,
        {{ days_between('feedback.last_complained_on', 'customers.as_of') }} as last_complaint_days,
        {{ days_between('returns.last_returned_on', 'customers.as_of') }} as last_return_days,
        {{ days_between('greatest(feedback.last_praised_on, surveys.last_content_on)', 'customers.as_of') }}
            as last_satisfied_days,
        wishes.stated_contact_channel,
        case
            when addresses.has_address or messages.contacts_365d > 0 then true
            when addressed.knows_addresses then false
        end as has_valid_contact
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join addressed on customers.as_of = addressed.as_of
    left join visits
        on customers.as_of = visits.as_of and customers.customer_id = visits.customer_id
    left join messages
        on customers.as_of = messages.as_of and customers.customer_id = messages.customer_id
    left join tickets
        on customers.as_of = tickets.as_of and customers.customer_id = tickets.customer_id
    left join feedback
        on customers.as_of = feedback.as_of and customers.customer_id = feedback.customer_id
    left join surveys
        on customers.as_of = surveys.as_of and customers.customer_id = surveys.customer_id
    left join wishes
        on customers.as_of = wishes.as_of and customers.customer_id = wishes.customer_id
    left join returns
        on customers.as_of = returns.as_of and customers.customer_id = returns.customer_id
    left join addresses
        on customers.as_of = addresses.as_of and customers.customer_id = addresses.customer_id
),

-- a message, a visit and an item of feedback each say that a customer is there; where none of the three was ever
-- delivered, silence means nothing
customers as (
    select
        * exclude (
            words_90d, has_web_events, has_interactions, has_feedback, has_service_tickets, has_survey_responses
        ),
        cast(
            case
                when has_interactions or has_web_events
                    then
                        3 * coalesce(replies_90d, 0) + 2 * coalesce(clicks_90d, 0) + coalesce(opens_90d, 0)
                        + coalesce(visits_90d, 0)
            end
            as bigint
        ) as attention_points_90d,
        cast(
            case
                when has_interactions or has_web_events or has_feedback
                    then
                        coalesce(visits_90d, 0) + coalesce(opens_90d, 0) + coalesce(clicks_90d, 0)
                        + coalesce(replies_90d, 0) + words_90d
            end
            as bigint
        ) as interactions_90d,
        round(cast(replies_365d as double) / nullif(contacts_365d, 0), 4) as reply_rate,
        {{ share_known(0, {
            'has_web_events': 1,
            'has_interactions': 1,
            'has_feedback': 1,
            'has_service_tickets': 1,
            'has_survey_responses': 1,
        }) }} as interaction_coverage
    from joined
)

select * from customers
order by {{ customer_order() }}
