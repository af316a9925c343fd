with

as_of_dates as (
    {{ as_of_dates() }}
),

-- orders that do not count are few: they are taken out of the orders of a year, before anything is grouped
orders as (
    select
        as_of_dates.as_of,
        orders.source,
        orders.order_id,
        orders.customer_id,
        orders.city,
        orders.ordered_on
    from {{ ref('stg_orders') }} as orders
    inner join as_of_dates
        on orders.ordered_on < as_of_dates.as_of
            and orders.ordered_on >= as_of_dates.as_of - 365
            and {{ is_known('orders', 'as_of_dates') }}
    where orders.customer_id is not null and orders.city is not null
),

counted_orders as (
    select orders.*
    from orders
    anti join {{ ref('feat_order_uncounted') }} as uncounted
        on orders.as_of = uncounted.as_of and orders.source = uncounted.source and orders.order_id = uncounted.order_id
),

ordered_to as (
    select
        as_of,
        customer_id,
        city as sent_city,
        count(*) as orders,
        max(ordered_on) as last_order_on
    from counted_orders
    group by as_of, customer_id, city
),

places as (
    select
        *,
        coalesce(country, '') || '/' || coalesce(province, '') || '/' || city as place
    from {{ ref('feat_place') }}
),

-- 上海 and 上海市 are one city, so orders are counted by place and not by name
order_places as (
    select
        ordered_to.as_of,
        ordered_to.customer_id,
        places.place,
        min(ordered_to.sent_city) as sent_city,
        sum(ordered_to.orders) as orders,
        max(ordered_to.last_order_on) as last_order_on
    from ordered_to
    inner join places
        on ordered_to.as_of = places.as_of
            and ordered_to.sent_city = places.sent_city
            and places.sent_country = ''
            and places.sent_province = ''
    group by ordered_to.as_of, ordered_to.customer_id, places.place
),

usual_places as (
    select
        as_of,
        customer_id,
        first(sent_city order by orders desc, last_order_on desc, place asc) as sent_city
    from order_places
    group by as_of, customer_id
),

profiles as (
    select
        as_of,
        customer_id,
        coalesce(country, '') as sent_country,
        coalesce(province, '') as sent_province,
        city as sent_city
    from {{ ref('feat_profile') }}
    where city is not null
),

chosen as (
    select
        customers.as_of,
        customers.customer_id,
        case
            when usual_places.sent_city is not null then 'orders'
            when profiles.sent_city is not null then 'profile'
        end as geo_basis,
        case when usual_places.sent_city is null then profiles.sent_country else '' end as sent_country,
        case when usual_places.sent_city is null then profiles.sent_province else '' end as sent_province,
        coalesce(usual_places.sent_city, profiles.sent_city) as sent_city
    from {{ ref('feat_customer') }} as customers
    left join usual_places
        on customers.as_of = usual_places.as_of and customers.customer_id = usual_places.customer_id
    left join profiles
        on customers.as_of = profiles.as_of and customers.customer_id = profiles.customer_id
),

-- what is in force on the last day that is seen, the day before as_of
cities_in_force as (
    select *
    from {{ ref('feat_city') }}
    where as_of - 1 between valid_from_on and valid_to_on
),

placed as (
    select
        places.as_of,
        places.sent_country,
        places.sent_province,
        places.sent_city,
        places.city_match,
        places.country,
        places.province,
        places.city,
        cities.city_tier,
        cities.city_tier_basis,
        cities.city_list_year,
        cities.urban_rural,
        cities.climate_zone,
        cities.city_size_band,
        cities.culture_zone,
        cities.policy_tags,
        cities.green_region,
        cities.supported_industry
    from places
    left join cities_in_force as cities
        on places.as_of = cities.as_of
            and places.country_key = cities.country_key
            and places.province_key = cities.province_key
            and places.city_key = cities.city_key
),

customers as (
    select
        chosen.as_of,
        chosen.customer_id,
        placed.country,
        placed.province,
        placed.city,
        chosen.geo_basis,
        placed.city_match,
        placed.city_tier,
        placed.city_tier_basis,
        placed.city_list_year,
        placed.urban_rural,
        placed.climate_zone,
        placed.city_size_band,
        placed.culture_zone,
        placed.policy_tags,
        placed.green_region,
        placed.supported_industry,
        {{ share_known(0, {
            'placed.country is not null': 1,
            'placed.province is not null': 1,
            'placed.city is not null': 1,
            'placed.city_tier is not null': 1,
            'placed.urban_rural is not null': 1,
            'placed.climate_zone is not null': 1,
            'placed.city_size_band is not null': 1,
            'placed.culture_zone is not null': 1,
        }) }} as geo_coverage
    from chosen
    left join placed
        on chosen.as_of = placed.as_of
            and chosen.sent_country = placed.sent_country
            and chosen.sent_province = placed.sent_province
            and chosen.sent_city = placed.sent_city
)

select * from customers
order by {{ customer_order() }}
