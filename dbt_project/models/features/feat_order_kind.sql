{%- set bands = hour_bands() %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

orders as (
    select
        as_of,
        source,
        order_id,
        customer_id,
        ordered_on,
        ordered_at,
        channel,
        list_amount,
        discount_amount
    from {{ ref('feat_order') }}
    where is_valid and customer_id is not null and ordered_on >= as_of - {{ var('window_days') }}
),

headers as (
    select
        as_of_dates.as_of,
        headers.source,
        headers.order_id,
        headers.payment_method,
        headers.delivery_method,
        headers.coupon_id is not null or headers.promotion_id is not null as is_promoted
    from {{ ref('stg_orders') }} as headers
    inner join as_of_dates
        on headers.ordered_on < as_of_dates.as_of
            and headers.ordered_on >= as_of_dates.as_of - {{ var('window_days') }}
            and {{ is_known('headers', 'as_of_dates') }}
),

-- A day without a time of day is midnight wherever it was written down: one time all year, or two where the clocks are
-- changed. Whoever sends more of them sends times.
timed_sources as (
    select
        as_of,
        source
    from orders
    group by as_of, source
    having count(distinct 60 * hour(ordered_at) + minute(ordered_at)) > 2
),

-- a source that names no coupon and no promotion in a year tells nothing of them
promoting_sources as (
    select
        as_of,
        source
    from headers
    where is_promoted
    group by as_of, source
),

described as (
    select
        orders.as_of,
        orders.source,
        orders.customer_id,
        orders.ordered_on,
        orders.list_amount,
        orders.discount_amount,
        orders.channel as sent_channel,
        headers.payment_method as sent_payment,
        headers.delivery_method as sent_delivery,
        -- to the second: an order of a source with times that has none
        case
            when timed_sources.source is not null and orders.ordered_at <> cast(orders.ordered_on as timestamp)
                then {{ hour_band('orders.ordered_at') }}
        end as hour_band,
        timed_sources.source is not null
        and isodow(orders.ordered_on) <= 5
        and hour(orders.ordered_at) >= {{ var('work_starts_hour') }}
        and hour(orders.ordered_at) < {{ var('work_ends_hour') }} as is_work_time,
        case
            when promoting_sources.source is not null and headers.order_id is not null
                then headers.is_promoted
        end as is_promoted
    from orders
    left join headers
        on orders.as_of = headers.as_of
            and orders.source = headers.source
            and orders.order_id = headers.order_id
    left join timed_sources on orders.as_of = timed_sources.as_of and orders.source = timed_sources.source
    left join promoting_sources
        on orders.as_of = promoting_sources.as_of and orders.source = promoting_sources.source
),

kinds as (
    select
        as_of,
        source,
        customer_id,
        sent_channel,
        sent_payment,
        sent_delivery,
        count(*) as orders,
        count(*) filter (where isodow(ordered_on) >= 6) as weekend_orders,
        count(*) filter (where is_work_time) as work_time_orders,
        count(hour_band) as timed_orders,
        {%- for band in bands %}
        count(*) filter (where hour_band = '{{ band }}') as {{ band }}_orders,
        {%- endfor %}
        count(*) filter (where list_amount > 0) as listed_orders,
        count(*) filter (where list_amount > 0 and discount_amount > 0) as discounted_orders,
        sum(list_amount) filter (where list_amount > 0) as list_amount,
        sum(discount_amount) filter (where list_amount > 0) as discount_amount,
        count(is_promoted) as promotion_told_orders,
        count(*) filter (where is_promoted) as promoted_orders
    from described
    group by as_of, source, customer_id, sent_channel, sent_payment, sent_delivery
),

-- the few words there are: putting each of a million into one spelling takes longer than counting them
words as (
    select
        sent,
        {{ code('sent') }} as word
    from (
        select sent_channel as sent from kinds
        union
        select sent_payment from kinds
        union
        select sent_delivery from kinds
    ) as every_word
),

spelt as (
    select
        kinds.* exclude (sent_payment, sent_delivery),
        channel_words.word as channel_word,
        payment_words.word as payment_method,
        delivery_words.word as delivery_method
    from kinds
    left join words as channel_words on kinds.sent_channel = channel_words.sent
    left join words as payment_words on kinds.sent_payment = payment_words.sent
    left join words as delivery_words on kinds.sent_delivery = delivery_words.sent
),

-- a source's own word for a channel goes before the word everybody uses
named as (
    select
        spelt.* exclude (channel_word),
        case when spelt.channel_word is not null then coalesce(of_source.channel, of_everybody.channel, 'unmapped') end
            as channel
    from spelt
    left join {{ ref('channels') }} as of_source
        on spelt.source = of_source.source and spelt.channel_word = of_source.sent_as
    left join {{ ref('channels') }} as of_everybody
        on of_everybody.source = 'any' and spelt.channel_word = of_everybody.sent_as
)

select * from named
