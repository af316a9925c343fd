with

demographics as (
    {{ versions('complete_journey', 'demographics') }}
),

renamed as (
    select
        'complete_journey' as source,
        cast({{ text('household_id') }} as bigint) as customer_id,
        {{ bracket_midpoint(text('age')) }} as age,
        cast(null as varchar) as gender,
        {{ text('income') }} as income_band,
        cast(null as varchar) as occupation,
        cast(null as varchar) as education,
        -- '5+' counts as five
        cast({{ bracket_midpoint(text('household_size')) }} as integer) as family_size,
        'consumer' as customer_kind,
        cast(null as boolean) as is_member,
        cast(null as varchar) as member_level,
        cast(null as boolean) as consent_marketing,
        known_from_on as updated_on,
        known_from_on,
        known_until_on
    from demographics
),

banded as (
    select
        *,
        {{ age_band('age') }} as age_band
    from renamed
)

select * from banded
