{{ config(
    materialized='parquet_file',
    location=var('run_dir') ~ '/features/churn_training.parquet',
    contract={'enforced': true},
    tags=['training'],
) }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- the columns a churn model reads, each taken as customer_features takes it, so that a customer is told alike in training
-- and in scoring; who never bought cannot be lost
customers as (
    select
        as_of_dates.as_of,
        as_of_dates.known_on,
        cast(purchases.customer_id as varchar) as customer_id,
        labels.is_churned,
        purchases.orders_life,
        purchases.gaps,
        purchases.gap_ln_sum,
        purchases.gap_ln_sq_sum,
        purchases.last_gap_days,
        purchases.orders_previous_90d,
        purchases.orders_w_180d_ago,
        purchases.net_previous_90d,
        purchases.list_w,
        purchases.discount_w,
        purchases.discount_orders_w,
        purchases.tenure_days,
        purchases.occasions_life,
        purchases.orders_w,
        purchases.gap_cv,
        purchases.aov_w,
        purchases.net_w,
        purchases.second_order_days,
        purchases.recency_days,
        purchases.orders_30d,
        purchases.orders_90d,
        purchases.net_30d,
        purchases.net_90d,
        purchases.categories_w,
        usage.usage_days_30d,
        usage.feature_breadth,
        feedback.returns_365d,
        feedback.rating_mean_365d,
        feedback.open_complaints,
        contacts.campaigns_365d,
        contacts.coupons_redeemed_365d,
        satisfaction.return_rate_180d,
        satisfaction.review_score,
        satisfaction.complaints_180d,
        satisfaction.unresolved_complaints_365d,
        satisfaction.csat_score,
        satisfaction.nps_score,
        web.views_30d,
        web.decision_steps_30d,
        interactions.responses_365d,
        interactions.last_return_days,
        interactions.last_complaint_days,
        interactions.visits_90d,
        interactions.opens_90d,
        interactions.clicks_90d,
        interactions.replies_90d,
        interactions.contacts_365d,
        changes.discount_share_90d,
        changes.discount_share_before_90d,
        changes.basket_price_change,
        changes.category_left_share,
        changes.orders_coming_90d_year_ago
    from {{ ref('feat_purchase') }} as purchases
    inner join as_of_dates on purchases.as_of = as_of_dates.as_of
    inner join {{ ref('label_churn') }} as labels
        on purchases.as_of = labels.as_of and purchases.customer_id = labels.customer_id
    left join {{ ref('feat_usage') }} as usage
        on purchases.as_of = usage.as_of and purchases.customer_id = usage.customer_id
    left join {{ ref('feat_feedback') }} as feedback
        on purchases.as_of = feedback.as_of and purchases.customer_id = feedback.customer_id
    left join {{ ref('feat_contact') }} as contacts
        on purchases.as_of = contacts.as_of and purchases.customer_id = contacts.customer_id
    left join {{ ref('feat_satisfaction') }} as satisfaction
        on purchases.as_of = satisfaction.as_of and purchases.customer_id = satisfaction.customer_id
    left join {{ ref('feat_web') }} as web
        on purchases.as_of = web.as_of and purchases.customer_id = web.customer_id
    left join {{ ref('feat_interaction') }} as interactions
        on purchases.as_of = interactions.as_of and purchases.customer_id = interactions.customer_id
    left join {{ ref('feat_change') }} as changes
        on purchases.as_of = changes.as_of and purchases.customer_id = changes.customer_id
    where purchases.orders_life > 0
)

select * from customers
order by as_of, customer_id
