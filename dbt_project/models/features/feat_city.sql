-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
with

as_of_dates as (
    {{ as_of_dates() }}
),

{{ listed_city_ctes() }},

regions as (
    select
        as_of_dates.as_of,
        regions.source,
        regions.country,
        regions.province,
        regions.city,
        coalesce({{ country_key('regions.country') }}, '') as country_key,
        coalesce({{ province_key('regions.province') }}, '') as province_key,
        {{ city_key('regions.city') }} as city_key,
        {{ city_tier_code('regions.city_tier') }} as city_tier,
        regions.urban_rural,
        lower(regions.climate_zone) as climate_zone,
        lower(regions.city_size_band) as city_size_band,
        lower(regions.culture_zone) as culture_zone,
        regions.policy_tags,
        coalesce(regions.valid_from_on, date '0001-01-01') as from_on,
        coalesce(regions.valid_to_on, date '9999-12-31') as to_on
    from {{ ref('stg_regions') }} as regions
    inner join as_of_dates on {{ is_known('regions', 'as_of_dates') }}
    where regions.city is not null
),

region_periods as (
    select
        regions.* replace (
            coalesce(province_aliases.province_key, regions.province_key) as province_key,
            coalesce(city_aliases.city_key, regions.city_key) as city_key
        )
    from regions
    left join province_aliases on regions.province_key = province_aliases.alias_key
    left join city_aliases on regions.city_key = city_aliases.alias_key
),

-- a region that tells no country or province still is the listed city of that name
list_periods as (
    select
        as_of_dates.as_of,
        coalesce(max(region_periods.country_key), '中国') as country_key,
        coalesce(max(region_periods.province_key), list_cities.province_key) as province_key,
        list_cities.city_key,
        list_cities.province,
        list_cities.city,
        list_cities.city_tier,
        list_cities.list_year,
        list_cities.from_on,
        list_cities.to_on
    from list_cities
    cross join as_of_dates
    left join region_periods
        on as_of_dates.as_of = region_periods.as_of
            and list_cities.city_key = region_periods.city_key
            and region_periods.country_key in ('中国', '')
            and region_periods.province_key in (list_cities.province_key, '')
    group by
        as_of_dates.as_of, list_cities.province_key, list_cities.city_key, list_cities.province, list_cities.city,
        list_cities.city_tier, list_cities.list_year, list_cities.from_on, list_cities.to_on
),

-- what is said of a city holds from one of these days to the day before the next
edges as (
    {%- for told in ['region_periods', 'list_periods'] %}
    select
        as_of,
        country_key,
        province_key,
        city_key,
        from_on as on_day
    from {{ told }}
    union
    select
        as_of,
        country_key,
        province_key,
        city_key,
        to_on + 1 as on_day
    from {{ told }}
    where to_on < date '9999-12-31'
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

periods as (
    select
        as_of,
        country_key,
        province_key,
        city_key,
        on_day as valid_from_on,
        coalesce(
            lead(on_day) over (partition by as_of, country_key, province_key, city_key order by on_day) - 1,
            date '9999-12-31'
        ) as valid_to_on
    from edges
),

-- of two rows in force the newer one counts, then the source's name
region_in_force as (
    select
        periods.*,
        regions.* exclude (as_of, country_key, province_key, city_key, from_on, to_on, source),
        regions.city is not null as is_region
    from periods
    left join region_periods as regions
        on periods.as_of = regions.as_of
            and periods.country_key = regions.country_key
            and periods.province_key = regions.province_key
            and periods.city_key = regions.city_key
            and periods.valid_from_on between regions.from_on and regions.to_on
    qualify row_number() over (
            partition by
                periods.as_of, periods.country_key, periods.province_key, periods.city_key, periods.valid_from_on
            order by
                regions.from_on desc nulls last, regions.to_on asc, regions.source asc, regions.city asc,
                regions.province asc
        ) = 1
),

in_force as (
    select
        regions.*,
        lists.city as list_city,
        lists.province as list_province,
        lists.city_tier as list_tier,
        lists.list_year
    from region_in_force as regions
    left join list_periods as lists
        on regions.as_of = lists.as_of
            and regions.country_key = lists.country_key
            and regions.province_key = lists.province_key
            and regions.city_key = lists.city_key
            and regions.valid_from_on between lists.from_on and lists.to_on
    qualify row_number() over (
            partition by
                regions.as_of, regions.country_key, regions.province_key, regions.city_key, regions.valid_from_on
            order by
                lists.from_on desc nulls last, lists.list_year desc, lists.to_on asc, lists.city_tier asc,
                lists.city asc
        ) = 1
),

-- the name a city goes by is the same in all its periods
named as (
    select
        as_of,
        country_key,
        province_key,
        city_key,
        min(country) as country,
        min(coalesce(province, list_province)) as province,
        min(coalesce(city, list_city)) as city
    from in_force
    group by as_of, country_key, province_key, city_key
),

cities as (
    select
        in_force.as_of,
        in_force.country_key,
        in_force.province_key,
        in_force.city_key,
        in_force.valid_from_on,
        in_force.valid_to_on,
        in_force.is_region,
        coalesce(named.country, nullif(in_force.country_key, '')) as country,
        coalesce(named.province, nullif(in_force.province_key, '')) as province,
        coalesce(named.city, in_force.city_key) as city,
        coalesce(in_force.city_tier, in_force.list_tier) as city_tier,
        case
            when in_force.city_tier is not null then 'region'
            when in_force.list_tier is not null then 'list'
        end as city_tier_basis,
        case
            when in_force.city_tier is null and in_force.list_tier is not null then cast(in_force.list_year as integer)
        end as city_list_year,
        in_force.urban_rural,
        in_force.climate_zone,
        in_force.city_size_band,
        in_force.culture_zone,
        in_force.policy_tags,
        case
            when in_force.is_region then coalesce({{ has_policy('in_force.policy_tags', 'green_region') }}, false)
        end as green_region,
        case
            when in_force.is_region then coalesce({{ has_policy('in_force.policy_tags', 'supported_industry') }}, false)
        end as supported_industry
    from in_force
    inner join named
        on in_force.as_of = named.as_of
            and in_force.country_key = named.country_key
            and in_force.province_key = named.province_key
            and in_force.city_key = named.city_key
)

select * from cities
