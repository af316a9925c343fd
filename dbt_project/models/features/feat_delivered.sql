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
        coalesce(bool_or(arrivals.entity = 'returns'), false) as has_returns,
        coalesce(bool_or(arrivals.entity = 'feedback'), false) as has_feedback,
        coalesce(bool_or(arrivals.entity = 'survey_responses'), false) as has_survey_responses,
        coalesce(bool_or(arrivals.entity = 'usage_events'), false) as has_usage_events,
        coalesce(bool_or(arrivals.entity = 'interactions'), false) as has_interactions,
        coalesce(bool_or(arrivals.entity = 'service_tickets'), false) as has_service_tickets,
        coalesce(bool_or(arrivals.entity = 'web_events'), false) as has_web_events,
        coalesce(bool_or(arrivals.entity = 'social'), false) as has_social,
        coalesce(bool_or(arrivals.entity = 'referrals'), false) as has_referrals,
        coalesce(bool_or(arrivals.entity = 'loyalty_points'), false) as has_loyalty_points,
        coalesce(bool_or(arrivals.entity = 'regions'), false) as has_regions,
        coalesce(bool_or(arrivals.entity = 'holidays'), false) as has_holidays,
        coalesce(bool_or(arrivals.entity = 'market'), false) as has_market,
        coalesce(bool_or(arrivals.entity = 'competitors'), false) as has_competitors,
        coalesce(bool_or(arrivals.entity = 'feature_releases'), false) as has_feature_releases,
        coalesce(bool_or(arrivals.entity = 'campaign_touches'), false) as has_campaigns,
        coalesce(bool_or(arrivals.entity = 'coupon_redemptions'), false) as has_coupons
    from as_of_dates
    left join arrivals on as_of_dates.known_on >= arrivals.first_delivered_on
    group by as_of_dates.as_of
),

-- products without any category, or orders without any list price, tell nothing of these
categorised as (
    select
        as_of_dates.as_of,
        count(products.category) > 0 as has_products,
        count(products.brand) > 0 as has_brands,
        count(products.launched_on) > 0 as has_launch_days
    from as_of_dates
    left join {{ ref('stg_products') }} as products on {{ is_known('products', 'as_of_dates') }}
    group by as_of_dates.as_of
),

priced as (
    select
        as_of,
        count(list_amount) > 0 as has_list_prices
    from {{ ref('feat_order') }}
    group by as_of
),

told as (
    select
        delivered.*,
        categorised.has_products,
        categorised.has_brands,
        categorised.has_launch_days,
        coalesce(priced.has_list_prices, false) as has_list_prices
    from delivered
    inner join categorised on delivered.as_of = categorised.as_of
    left join priced on delivered.as_of = priced.as_of
)

select * from told
