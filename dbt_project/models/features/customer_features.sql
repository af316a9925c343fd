{{ config(
    materialized='parquet_file',
    location=var('run_dir') ~ '/features/customer_features.parquet',
    contract={'enforced': true},
) }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

customers as (
    select
        cast(customers.customer_id as varchar) as customer_id,
        customers.as_of,
        as_of_dates.known_on,
        profiles.age_band,
        profiles.gender,
        profiles.income_band,
        profiles.occupation,
        profiles.education,
        profiles.family_size,
        profiles.customer_kind,
        profiles.industry,
        profiles.company_size_band,
        cast(coalesce(profiles.basic_coverage, 0) as double) as basic_coverage,
        places.country,
        places.province,
        places.city,
        places.geo_basis,
        places.city_match,
        places.city_tier,
        places.city_tier_basis,
        places.city_list_year,
        places.urban_rural,
        places.climate_zone,
        places.city_size_band,
        places.culture_zone,
        places.policy_tags,
        places.green_region,
        places.supported_industry,
        places.geo_coverage,
        occasions.business_orders_w,
        occasions.family_net_w,
        ways.lifestyle_group,
        ways.lifestyle_basis,
        ways.lifestyle_source,
        ways.lifestyle_age_days,
        ways.life_value,
        ways.life_value_age_days,
        ways.motive_stated,
        ways.motive_age_days,
        ways.employment_stated,
        ways.employment_age_days,
        ways.has_lifestyle_answer,
        case when purchases.top_category is not null then 'behaviour' end as interest_source,
        purchases.orders_life,
        purchases.orders_w,
        purchases.orders_30d,
        purchases.orders_90d,
        purchases.orders_previous_90d,
        purchases.net_life,
        purchases.net_w,
        purchases.net_30d,
        purchases.net_90d,
        purchases.net_previous_90d,
        purchases.net_previous_270d,
        purchases.first_order_on,
        purchases.last_order_on,
        purchases.recency_days,
        purchases.tenure_days,
        purchases.aov_w,
        purchases.occasions_life,
        purchases.second_order_days,
        purchases.gaps,
        purchases.gap_ln_sum,
        purchases.gap_ln_sq_sum,
        purchases.gap_median_days,
        purchases.last_gap_days,
        purchases.list_w,
        purchases.discount_w,
        purchases.discount_orders_w,
        purchases.categories_w,
        purchases.top_category,
        purchases.margin_w,
        purchases.cost_coverage_w,
        purchases.return_amount_w,
        purchases.purchase_coverage,
        usage.usage_days_30d,
        usage.last_used_on,
        usage.usage_hour_band,
        usage.top_scenario,
        usage.feature_breadth,
        usage.usage_coverage,
        feedback.complaints_365d,
        feedback.suggestions_365d,
        feedback.reviews_365d,
        feedback.enquiries_365d,
        feedback.open_complaints,
        feedback.rating_mean_365d,
        feedback.csat_last,
        feedback.nps_last,
        feedback.returns_365d,
        feedback.return_amount_365d,
        feedback.last_feedback_on,
        feedback.feedback_coverage,
        contacts.campaigns_365d,
        contacts.coupons_redeemed_365d,
        contacts.last_contact_on,
        contacts.last_contact_days,
        contacts.consent_marketing,
        contacts.contact_coverage,
        satisfaction.csat_score,
        satisfaction.csat_weight,
        satisfaction.nps_score,
        satisfaction.nps_weight,
        satisfaction.review_score,
        satisfaction.review_weight,
        satisfaction.opinions_365d,
        satisfaction.complaints_180d,
        satisfaction.unresolved_complaints_365d,
        satisfaction.reorder_days_after_complaint,
        satisfaction.shipped_orders_365d,
        satisfaction.shipped_365d,
        satisfaction.returned_of_shipped_365d,
        satisfaction.return_rate_180d,
        referrers.invites_365d,
        referrers.invites_converted_365d,
        referrers.conversions_365d,
        referrers.conversions_life,
        referrers.self_referrals_life,
        referrers.referral_channel,
        referrers.crv,
        referrers.crv_basis,
        activity.last_event_on,
        activity.last_late_on,
        prices.listed_orders_w,
        prices.discount_count_share,
        prices.discount_value_share,
        prices.dsi_value,
        prices.full_price_share,
        prices.promotion_order_share,
        prices.priced_lines_w,
        prices.price_level,
        prices.premium_line_share,
        prices.launched_lines_365d,
        prices.new_product_share_365d,
        prices.budget_stated,
        habits.timed_orders_w,
        habits.share_morning,
        habits.share_noon,
        habits.share_evening,
        habits.share_night,
        habits.weekend_share,
        habits.channel_orders_w,
        habits.unmapped_channel_orders_w,
        habits.preferred_channel,
        habits.preferred_channel_share,
        habits.channel_entropy,
        habits.preferred_payment,
        habits.preferred_delivery,
        affinities.top_category_share,
        affinities.second_category,
        affinities.second_category_share,
        affinities.third_category,
        affinities.third_category_share,
        affinities.category_hhi,
        affinities.brands_w,
        affinities.brand_purchases_w,
        affinities.top_brand,
        affinities.top_brand_share,
        affinities.brand_hhi,
        affinities.brand_concentration,
        affinities.brand_repeat_rate,
        affinities.brand_loyalty_stated,
        web.views_30d,
        web.awareness_steps_30d,
        web.cognition_steps_30d,
        web.consideration_steps_30d,
        web.decision_steps_30d,
        web.top_viewed_category,
        web.view_to_buy,
        interactions.visits_90d,
        interactions.opens_90d,
        interactions.clicks_90d,
        interactions.replies_90d,
        interactions.attention_points_90d,
        interactions.interactions_90d,
        interactions.interaction_coverage,
        interactions.last_good_contact_on,
        interactions.has_valid_contact,
        interactions.contacts_30d,
        interactions.contacts_365d,
        interactions.responses_365d,
        interactions.replies_365d,
        interactions.reply_rate,
        interactions.contacts_phone_365d,
        interactions.responses_phone_365d,
        interactions.contacts_email_365d,
        interactions.responses_email_365d,
        interactions.contacts_sms_365d,
        interactions.responses_sms_365d,
        interactions.contacts_app_365d,
        interactions.responses_app_365d,
        interactions.contacts_chat_365d,
        interactions.responses_chat_365d,
        interactions.contacts_social_365d,
        interactions.responses_social_365d,
        interactions.contacts_mail_365d,
        interactions.responses_mail_365d,
        interactions.stated_contact_channel,
        interactions.last_complaint_days,
        interactions.last_return_days,
        interactions.last_satisfied_days,
        social.shares_365d,
        social.comments_365d,
        social.likes_365d,
        social.reach_365d,
        social.influence_points_365d,
        memberships.is_member,
        memberships.member_level,
        memberships.points_balance,
        memberships.points_expiring_30d,
        memberships.redemption_rate,
        memberships.last_points_days
    from {{ ref('feat_customer') }} as customers
    inner join as_of_dates on customers.as_of = as_of_dates.as_of
    left join {{ ref('feat_profile') }} as profiles
        on customers.as_of = profiles.as_of and customers.customer_id = profiles.customer_id
    left join {{ ref('feat_geo') }} as places
        on customers.as_of = places.as_of and customers.customer_id = places.customer_id
    left join {{ ref('feat_occasion') }} as occasions
        on customers.as_of = occasions.as_of and customers.customer_id = occasions.customer_id
    left join {{ ref('feat_psychographic') }} as ways
        on customers.as_of = ways.as_of and customers.customer_id = ways.customer_id
    left join {{ ref('feat_purchase') }} as purchases
        on customers.as_of = purchases.as_of and customers.customer_id = purchases.customer_id
    left join {{ ref('feat_usage') }} as usage
        on customers.as_of = usage.as_of and customers.customer_id = usage.customer_id
    left join {{ ref('feat_feedback') }} as feedback
        on customers.as_of = feedback.as_of and customers.customer_id = feedback.customer_id
    left join {{ ref('feat_contact') }} as contacts
        on customers.as_of = contacts.as_of and customers.customer_id = contacts.customer_id
    left join {{ ref('feat_satisfaction') }} as satisfaction
        on customers.as_of = satisfaction.as_of and customers.customer_id = satisfaction.customer_id
    left join {{ ref('feat_referrer') }} as referrers
        on customers.as_of = referrers.as_of and customers.customer_id = referrers.customer_id
    left join {{ ref('feat_activity') }} as activity
        on customers.as_of = activity.as_of and customers.customer_id = activity.customer_id
    left join {{ ref('feat_price') }} as prices
        on customers.as_of = prices.as_of and customers.customer_id = prices.customer_id
    left join {{ ref('feat_habit') }} as habits
        on customers.as_of = habits.as_of and customers.customer_id = habits.customer_id
    left join {{ ref('feat_affinity') }} as affinities
        on customers.as_of = affinities.as_of and customers.customer_id = affinities.customer_id
    left join {{ ref('feat_web') }} as web
        on customers.as_of = web.as_of and customers.customer_id = web.customer_id
    left join {{ ref('feat_interaction') }} as interactions
        on customers.as_of = interactions.as_of and customers.customer_id = interactions.customer_id
    left join {{ ref('feat_social') }} as social
        on customers.as_of = social.as_of and customers.customer_id = social.customer_id
    left join {{ ref('feat_membership') }} as memberships
        on customers.as_of = memberships.as_of and customers.customer_id = memberships.customer_id
)

select * from customers
order by customer_id, as_of
