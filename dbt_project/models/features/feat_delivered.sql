with

as_of_dates as (
    {{ as_of_dates() }}
),

arrivals as (
    select * from {{ ref('stg_arrivals') }}
),

delivered as (
    select
        as_of_dates.as_of,
        coalesce(bool_or(arrivals.entity = 'customers'), false) as has_customers,
        coalesce(bool_or(arrivals.entity = 'products'), false) as has_products,
        coalesce(bool_or(arrivals.entity = 'returns'), false) as has_returns,
        coalesce(bool_or(arrivals.entity = 'feedback'), false) as has_feedback,
        coalesce(bool_or(arrivals.entity = 'survey_responses'), false) as has_survey_responses,
        coalesce(bool_or(arrivals.entity = 'usage_events'), false) as has_usage_events,
        coalesce(bool_or(arrivals.entity = 'interactions'), false) as has_interactions,
        coalesce(bool_or(arrivals.entity = 'campaign_touches'), false) as has_campaigns,
        coalesce(bool_or(arrivals.entity = 'coupon_redemptions'), false) as has_coupons
    from as_of_dates
    left join arrivals on as_of_dates.known_on >= arrivals.first_delivered_on
    group by as_of_dates.as_of
)

select * from delivered
