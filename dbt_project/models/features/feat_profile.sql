{{ config(materialized='view') }}

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
        -- two sources may know one customer: the fresher profile wins, then the source's name decides
        row_number() over (
            partition by as_of_dates.as_of, customers.customer_id
            order by customers.updated_on desc nulls last, customers.source asc
        ) as preference
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
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
    from known_profiles
    where preference = 1
)

select * from profiles
