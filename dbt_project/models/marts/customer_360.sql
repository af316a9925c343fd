{{ config(location=var('run_dir') ~ '/marts/customer_360.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

age_bands as (
    {{ marts_labels('customer_360', 'age_band') }}
),

rfm_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code,
        cast(rfm_code as varchar) as rfm_code,
        cast(rfm8_code as varchar) as rfm8_code
    from {{ source('scores', 'rfm') }}
),

rfm_segments as (
    {{ marts_labels('rfm', 'segment') }}
),

purchase_group_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code
    from {{ source('scores', 'purchase_group') }}
),

purchase_group_segments as (
    {{ marts_labels('purchase_group', 'segment') }}
),

value_tier_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code
    from {{ source('scores', 'value_tier') }}
),

value_tier_segments as (
    {{ marts_labels('value_tier', 'segment') }}
),

lifecycle_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code
    from {{ source('scores', 'lifecycle') }}
),

lifecycle_segments as (
    {{ marts_labels('lifecycle', 'segment') }}
),

churn_level_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code,
        cast(flag_churn_risk as boolean) as flag_churn_risk
    from {{ source('scores', 'churn_level') }}
),

churn_level_segments as (
    {{ marts_labels('churn_level', 'segment') }}
),

cells as (
    {{ marts_labels('rfm', 'rfm8') }}
),

-- codes only: the words are joined to the few codes afterwards, so the wide joins stay narrow
sections as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        -- basic
        customers.age_band,
        customers.gender,
        customers.income_band,
        customers.occupation,
        customers.education,
        customers.family_size,
        customers.customer_kind,
        customers.basic_coverage,
        -- purchase
        customers.orders_life,
        customers.orders_w,
        customers.orders_30d,
        customers.orders_90d,
        customers.orders_previous_90d,
        customers.net_life,
        customers.net_w,
        customers.net_30d,
        customers.net_90d,
        customers.net_previous_90d,
        customers.net_previous_270d,
        customers.first_order_on,
        customers.last_order_on,
        customers.recency_days,
        customers.tenure_days,
        customers.aov_w,
        customers.occasions_life,
        customers.second_order_days,
        customers.gap_median_days,
        customers.last_gap_days,
        customers.list_w,
        customers.discount_w,
        customers.discount_orders_w,
        customers.categories_w,
        customers.top_category,
        customers.margin_w,
        customers.cost_coverage_w,
        customers.return_amount_w,
        customers.purchase_coverage,
        -- usage
        customers.usage_days_30d,
        customers.last_used_on,
        customers.usage_coverage,
        -- feedback
        customers.complaints_365d,
        customers.suggestions_365d,
        customers.reviews_365d,
        customers.enquiries_365d,
        customers.open_complaints,
        customers.rating_mean_365d,
        customers.csat_last,
        customers.nps_last,
        customers.returns_365d,
        customers.return_amount_365d,
        customers.last_feedback_on,
        customers.feedback_coverage,
        -- contact
        customers.campaigns_365d,
        customers.coupons_redeemed_365d,
        customers.last_contact_on,
        customers.consent_marketing,
        customers.contact_coverage,
        -- groups
        rfm_scores.rfm_code,
        rfm_scores.rfm8_code,
        rfm_scores.segment_code as rfm_segment_code,
        purchase_group_scores.segment_code as purchase_group_segment_code,
        value_tier_scores.segment_code as value_tier_segment_code,
        lifecycle_scores.segment_code as lifecycle_segment_code,
        churn_level_scores.segment_code as churn_level_segment_code,
        churn_level_scores.flag_churn_risk
    from customers
    left join rfm_scores
        on
            customers.customer_id = rfm_scores.customer_id
            and customers.as_of = rfm_scores.as_of
            and customers.known_on = rfm_scores.known_on
    left join purchase_group_scores
        on
            customers.customer_id = purchase_group_scores.customer_id
            and customers.as_of = purchase_group_scores.as_of
            and customers.known_on = purchase_group_scores.known_on
    left join value_tier_scores
        on
            customers.customer_id = value_tier_scores.customer_id
            and customers.as_of = value_tier_scores.as_of
            and customers.known_on = value_tier_scores.known_on
    left join lifecycle_scores
        on
            customers.customer_id = lifecycle_scores.customer_id
            and customers.as_of = lifecycle_scores.as_of
            and customers.known_on = lifecycle_scores.known_on
    left join churn_level_scores
        on
            customers.customer_id = churn_level_scores.customer_id
            and customers.as_of = churn_level_scores.as_of
            and customers.known_on = churn_level_scores.known_on
),

labelled as (
    select
        sections.*,
        age_bands.label_zh as age_band_label_zh,
        age_bands.label_en as age_band_label_en,
        cells.label_zh as rfm8_label_zh,
        cells.label_en as rfm8_label_en,
        rfm_segments.label_zh as rfm_label_zh,
        rfm_segments.label_en as rfm_label_en,
        purchase_group_segments.label_zh as purchase_group_label_zh,
        purchase_group_segments.label_en as purchase_group_label_en,
        value_tier_segments.label_zh as value_tier_label_zh,
        value_tier_segments.label_en as value_tier_label_en,
        lifecycle_segments.label_zh as lifecycle_label_zh,
        lifecycle_segments.label_en as lifecycle_label_en,
        churn_level_segments.label_zh as churn_level_label_zh,
        churn_level_segments.label_en as churn_level_label_en
    from sections
    left join age_bands on sections.age_band = age_bands.code
    left join cells on sections.rfm8_code = cells.code
    left join rfm_segments on sections.rfm_segment_code = rfm_segments.code
    left join purchase_group_segments on sections.purchase_group_segment_code = purchase_group_segments.code
    left join value_tier_segments on sections.value_tier_segment_code = value_tier_segments.code
    left join lifecycle_segments on sections.lifecycle_segment_code = lifecycle_segments.code
    left join churn_level_segments on sections.churn_level_segment_code = churn_level_segments.code
)

select * from labelled
order by customer_id
