with

campaigns as (
    {{ versions('complete_journey', 'campaigns') }}
),

campaign_households as (
    {{ versions('complete_journey', 'campaign_households') }}
),

coupon_redemptions as (
    {{ versions('complete_journey', 'coupon_redemptions') }}
),

-- a touch is known once both the campaign and its mailing list are
mailings as (
    select
        'complete_journey' as source,
        'campaign' as kind,
        cast(campaign_households.campaign_id as bigint) as campaign_id,
        cast(campaign_households.household_id as bigint) as customer_id,
        cast(null as varchar) as coupon_id,
        cast(campaigns.start_date as date) as touched_on,
        cast({{ text('campaigns.end_date') }} as date) as ended_on,
        greatest(campaigns.known_from_on, campaign_households.known_from_on) as known_from_on,
        least(campaigns.known_until_on, campaign_households.known_until_on) as known_until_on
    from campaign_households
    inner join campaigns on campaign_households.campaign_id = campaigns.campaign_id
    where greatest(campaigns.known_from_on, campaign_households.known_from_on)
        < least(campaigns.known_until_on, campaign_households.known_until_on)
),

redemptions as (
    select
        'complete_journey' as source,
        'coupon_redeemed' as kind,
        cast(campaign_id as bigint) as campaign_id,
        cast(household_id as bigint) as customer_id,
        coupon_upc as coupon_id,
        cast(redemption_date as date) as touched_on,
        cast(null as date) as ended_on,
        known_from_on,
        known_until_on
    from coupon_redemptions
),

touches as (
    select * from mailings
    union all
    select * from redemptions
)

select * from touches
