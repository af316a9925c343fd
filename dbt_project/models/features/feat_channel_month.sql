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
        cast(date_trunc('month', ordered_on) as date) as month,
        channel as sent_channel,
        net_amount
    from {{ ref('feat_order') }}
    where is_valid and ordered_on >= date_trunc('month', as_of - interval '{{ var("trend_months") }} months')
),

headers as (
    select
        as_of_dates.as_of,
        headers.source,
        headers.order_id,
        headers.city
    from {{ ref('stg_orders') }} as headers
    inner join as_of_dates
        on headers.ordered_on < as_of_dates.as_of
            and headers.ordered_on
            >= date_trunc('month', as_of_dates.as_of - interval '{{ var("trend_months") }} months')
            and {{ is_known('headers', 'as_of_dates') }}
    where headers.city is not null
),

-- one row per customer, month and way there before channels and places get their names: those are few
bought as (
    select
        orders.as_of,
        orders.source,
        orders.month,
        orders.sent_channel,
        headers.city as sent_city,
        orders.customer_id,
        count(*) as orders,
        cast(sum(orders.net_amount) as decimal(18, 2)) as net_amount
    from orders
    left join headers
        on orders.as_of = headers.as_of and orders.source = headers.source and orders.order_id = headers.order_id
    group by orders.as_of, orders.source, orders.month, orders.sent_channel, headers.city, orders.customer_id
),

-- names of channels and places are looked up once each, not once for every customer
ways as (
    select
        bought.source,
        bought.sent_channel,
        max(coalesce(of_source.channel, of_everybody.channel, 'unmapped')) as channel
    from (
        select
            source,
            sent_channel
        from bought
        where sent_channel is not null
        group by source, sent_channel
    ) as bought
    left join {{ ref('channels') }} as of_source
        on bought.source = of_source.source and {{ code('bought.sent_channel') }} = of_source.sent_as
    left join {{ ref('channels') }} as of_everybody
        on of_everybody.source = 'any' and {{ code('bought.sent_channel') }} = of_everybody.sent_as
    group by bought.source, bought.sent_channel
),

-- the tier of a month is the one in force on its last day, so a new list does not rewrite the months before it
city_months as (
    select
        bought.as_of,
        bought.sent_city,
        bought.month,
        places.country,
        places.province,
        case when cities.urban_rural = 'rural' then 'rural' else cities.city_tier end as city_tier
    from (
        select
            as_of,
            sent_city,
            month
        from bought
        where sent_city is not null
        group by as_of, sent_city, month
    ) as bought
    inner join {{ ref('feat_place') }} as places
        on bought.as_of = places.as_of
            and bought.sent_city = places.sent_city
            and places.sent_country = ''
            and places.sent_province = ''
    left join {{ ref('feat_city') }} as cities
        on places.as_of = cities.as_of
            and places.country_key = cities.country_key
            and places.province_key = cities.province_key
            and places.city_key = cities.city_key
            and least(last_day(bought.month), bought.as_of - 1) between cities.valid_from_on and cities.valid_to_on
),

named as (
    select
        bought.as_of,
        bought.month,
        bought.customer_id,
        coalesce(ways.channel, 'unknown') as channel,
        coalesce(city_months.country, 'unknown') as country,
        coalesce(city_months.province, 'unknown') as province,
        coalesce(city_months.city_tier, 'unknown') as city_tier,
        bought.orders,
        bought.net_amount
    from bought
    left join ways on bought.source = ways.source and bought.sent_channel = ways.sent_channel
    left join city_months
        on bought.as_of = city_months.as_of
            and bought.sent_city = city_months.sent_city
            and bought.month = city_months.month
),

per_customer as (
    select
        as_of,
        month,
        channel,
        country,
        province,
        city_tier,
        customer_id,
        sum(orders) as orders,
        sum(net_amount) as net_amount
    from named
    group by as_of, month, channel, country, province, city_tier, customer_id
),

months as (
    select
        as_of,
        month,
        channel,
        country,
        province,
        city_tier,
        cast(sum(orders) as bigint) as orders,
        count(customer_id) as customers,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount
    from per_customer
    group by as_of, month, channel, country, province, city_tier
)

select * from months
