with

campaigns as (
    {{ versions('complete_journey', 'campaigns') }}
),

renamed as (
    select
        'complete_journey' as source,
        campaign_id,
        {{ text('campaign_type') }} as strategy,
        cast(start_date as date) as starts_on,
        cast({{ text('end_date') }} as date) as ends_on,
        known_from_on,
        known_until_on
    from campaigns
)

select * from renamed
