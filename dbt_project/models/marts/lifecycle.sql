{{ config(location=var('run_dir') ~ '/marts/lifecycle.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as not materialized (
    select * from {{ source('scores', 'lifecycle') }}
),

segments as (
    {{ marts_labels('lifecycle', 'segment') }}
),

customer_ages as (
    {{ marts_labels('lifecycle', 'customer_age') }}
),

churn_levels as (
    {{ marts_labels('churn_level', 'segment') }}
),

reasons as (
    {{ marts_reasons('lifecycle', 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.orders_life,
        customers.recency_days,
        customers.tenure_days,
        customers.net_90d,
        customers.net_previous_90d,
        customers.net_previous_270d,
        customers.gaps,
        customers.gap_median_days,
        customers.last_gap_days,
        cast(scores.tau_days as double) as tau_days,
        cast(scores.rho as double) as rho,
        cast(scores.reactivation_limit_days as double) as reactivation_limit_days,
        cast(scores.churn_level as varchar) as churn_level,
        churn_levels.label_zh as churn_level_label_zh,
        churn_levels.label_en as churn_level_label_en,
        scores.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        cast(scores.customer_age as varchar) as customer_age,
        customer_ages.label_zh as customer_age_label_zh,
        customer_ages.label_en as customer_age_label_en,
        segments.action_codes,
        scores.reason_code,
        scores.reason_params,
        reasons.reason_zh,
        reasons.reason_en,
        scores.cutpoint_version
    from customers
    left join scores
        on
            customers.customer_id = scores.customer_id
            and customers.as_of = scores.as_of
            and customers.known_on = scores.known_on
    left join segments on scores.segment = segments.code
    left join customer_ages on scores.customer_age = customer_ages.code
    left join churn_levels on scores.churn_level = churn_levels.code
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
