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
        on headers.ordered_on < as_of_dates.as_of and {{ is_known('headers', 'as_of_dates') }}
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

places as (
    select *
    from {{ ref('feat_place') }}
    where sent_country = '' and sent_province = ''
),

-- the tier of a month is the one in force on its last day, so a new list does not rewrite the months before it
placed as (
    select
        bought.*,
        places.country,
        places.province,
        cities.city_tier,
        cities.urban_rural,
        places.city_match
    from bought
    left join places on bought.as_of = places.as_of and bought.sent_city = places.sent_city
    left join {{ ref('feat_city') }} as cities
        on places.as_of = cities.as_of
            and places.country_key = cities.country_key
            and places.province_key = cities.province_key
            and places.city_key = cities.city_key
            and least(last_day(bought.month), bought.as_of - 1) between cities.valid_from_on and cities.valid_to_on
),

named as (
    select
        placed.as_of,
        placed.month,
        placed.customer_id,
        case
            when placed.sent_channel is null then 'unknown'
            else coalesce(of_source.channel, of_everybody.channel, 'unmapped')
        end as channel,
        coalesce(placed.country, 'unknown') as country,
        coalesce(placed.province, 'unknown') as province,
        case
            when placed.urban_rural = 'rural' then 'rural'
            else coalesce(placed.city_tier, 'unknown')
        end as city_tier,
        placed.orders,
        placed.net_amount
    from placed
    left join {{ ref('channels') }} as of_source
        on placed.source = of_source.source and {{ code('placed.sent_channel') }} = of_source.sent_as
    left join {{ ref('channels') }} as of_everybody
        on of_everybody.source = 'any' and {{ code('placed.sent_channel') }} = of_everybody.sent_as
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
