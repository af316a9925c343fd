with

as_of_dates as (
    {{ as_of_dates() }}
),

cities as (
    select
        as_of,
        country_key,
        province_key,
        city_key,
        min(country) as country,
        min(province) as province,
        min(city) as city,
        bool_or(is_region) as is_region
    from {{ ref('feat_city') }}
    group by as_of, country_key, province_key, city_key
),

{{ listed_city_ctes() }},

sent as (
    select
        as_of_dates.as_of,
        coalesce(customers.country, '') as sent_country,
        coalesce(customers.province, '') as sent_province,
        customers.city as sent_city
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
    where customers.city is not null

    union

    select
        as_of_dates.as_of,
        '' as sent_country,
        '' as sent_province,
        orders.city as sent_city
    from {{ ref('stg_orders') }} as orders
    inner join as_of_dates on {{ is_known('orders', 'as_of_dates') }}
    where orders.city is not null
),

spelt as (
    select
        *,
        {{ country_key('sent_country') }} as country_key,
        {{ province_key('sent_province') }} as province_key,
        {{ city_key('sent_city') }} as city_key
    from sent
),

keyed as (
    select
        spelt.* replace (
            coalesce(province_aliases.province_key, spelt.province_key) as province_key,
            coalesce(city_aliases.city_key, spelt.city_key) as city_key
        )
    from spelt
    left join province_aliases on spelt.province_key = province_aliases.alias_key
    left join city_aliases on spelt.city_key = city_aliases.alias_key
),

-- a name fits a city unless one of them says another country or province; what fits two cities names neither
fitting as (
    select
        keyed.as_of,
        keyed.sent_country,
        keyed.sent_province,
        keyed.sent_city,
        count(cities.city_key) as found,
        min(cities.country_key) as country_key,
        min(cities.province_key) as province_key,
        min(cities.city_key) as city_key,
        min(cities.country) as country,
        min(cities.province) as province,
        min(cities.city) as city,
        bool_or(cities.is_region) as is_region
    from keyed
    left join cities
        on keyed.as_of = cities.as_of
            and keyed.city_key = cities.city_key
            and (keyed.country_key is null or cities.country_key in (keyed.country_key, ''))
            and (keyed.province_key is null or cities.province_key in (keyed.province_key, ''))
    group by keyed.as_of, keyed.sent_country, keyed.sent_province, keyed.sent_city
),

places as (
    select
        as_of,
        sent_country,
        sent_province,
        sent_city,
        case
            when found = 0 then 'unlisted'
            when found > 1 then 'ambiguous'
            when is_region then 'region'
            else 'list'
        end as city_match,
        case when found = 1 then country_key end as country_key,
        case when found = 1 then province_key end as province_key,
        case when found = 1 then city_key end as city_key,
        case when found = 1 then country else nullif(sent_country, '') end as country,
        case when found = 1 then province else nullif(sent_province, '') end as province,
        case when found = 1 then city else sent_city end as city
    from fitting
)

select * from places
