with

as_of_dates as (
    {{ as_of_dates() }}
),

channels as (
    select * from {{ ref('contact_channels') }}
),

messages as (
    select
        as_of_dates.as_of,
        messages.customer_id,
        channels.channel,
        coalesce(messages.direction, 'out') = 'in' as is_from_customer,
        messages.sent_on,
        {{ days_between('messages.sent_on', 'as_of_dates.as_of') }} as sent_days,
        -- what happened to a message on as_of itself or later is not known on the day, even if it was delivered since
        {%- for act in ['opened', 'clicked', 'replied'] %}
        case
            when messages.{{ act }}_at < cast(as_of_dates.as_of as timestamp)
                then cast(messages.{{ act }}_at as date)
        end as {{ act }}_on,
        {%- endfor %}
        as_of_dates.as_of - 90 as since_90d
    from {{ ref('stg_interactions') }} as messages
    inner join as_of_dates
        on messages.sent_on < as_of_dates.as_of and {{ is_known('messages', 'as_of_dates') }}
    left join channels on messages.channel = channels.word
    where messages.customer_id is not null
),

-- the one pass over messages; null is a channel that is not among ours
channels_used as (
    select
        as_of,
        customer_id,
        channel,
        count(*) filter (where not is_from_customer and sent_days <= 30) as contacts_30d,
        count(*) filter (where not is_from_customer and sent_days <= 365) as contacts_365d,
        count(*) filter (
            where not is_from_customer and sent_days <= 365 and coalesce(opened_on, clicked_on, replied_on) is not null
        ) as responses_365d,
        count(*) filter (where not is_from_customer and sent_days <= 365 and replied_on is not null) as replies_365d,
        count(*) filter (where not is_from_customer and opened_on >= since_90d) as opens_90d,
        count(*) filter (where not is_from_customer and clicked_on >= since_90d) as clicks_90d,
        -- who writes of their own accord says at least as much as who answers
        count(*) filter (where case when is_from_customer then sent_on else replied_on end >= since_90d) as replies_90d,
        max(case when is_from_customer then sent_on else greatest(opened_on, clicked_on, replied_on) end)
            as last_response_on
    from messages
    group by as_of, customer_id, channel
)

select * from channels_used
