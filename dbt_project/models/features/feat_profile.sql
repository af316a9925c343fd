{{ config(materialized='view') }}

{%- set several = var('enabled_sources') | length > 1 %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

known_profiles as (
    select
        as_of_dates.as_of,
        customers.* exclude (age_band),
        -- who tells the day of birth grows older with as_of; a bracket stays what it was
        coalesce({{ age_band("datesub('year', customers.birth_on, as_of_dates.as_of)") }}, customers.age_band)
            as age_band,
        {{ company_size_band('customers.company_size') }} as company_size_band,
        -- a city and its province come from one system, or they would name a place nobody gave
        case
            when customers.city is not null
                then struct_pack(country := customers.country, province := customers.province, city := customers.city)
        end as place
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
),

-- Several sources may know one person: of each field the freshest value that is there wins, then the source's name
-- decides; who said no to one of them said no.
people as (
    select
        as_of,
        customer_id,
        {%- for field in [
            'age_band', 'gender', 'income_band', 'occupation', 'education', 'family_size', 'customer_kind', 'industry',
            'company_size_band', 'place',
        ] %}
        {{ freshest(field) if several else field }},
        {%- endfor %}
        {{ 'bool_and(consent_marketing) as consent_marketing' if several else 'consent_marketing' }}
    from known_profiles
    {{ 'group by as_of, customer_id' if several }}
),

profiles as (
    select
        as_of,
        customer_id,
        age_band,
        gender,
        income_band,
        occupation,
        education,
        family_size,
        customer_kind,
        industry,
        company_size_band,
        place.country,
        place.province,
        place.city,
        consent_marketing,
        {{ share_known(0, {
            'age_band is not null': 1,
            'gender is not null': 1,
            'income_band is not null': 1,
            'occupation is not null': 1,
            'education is not null': 1,
            'family_size is not null': 1,
            'customer_kind is not null': 1,
        }) }} as basic_coverage
    from people
)

select * from profiles
