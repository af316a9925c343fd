{{ config(location=var('run_dir') ~ '/marts/churn_flag.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as (
    select * from {{ source('scores', 'churn_level') }}
),

segments as (
    {{ marts_labels('churn_level', 'segment') }}
),

bases as (
    {{ marts_labels('churn_level', 'basis') }}
),

reasons as (
    {{ marts_reasons('churn_level', 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.last_order_on,
        customers.recency_days,
        customers.orders_life,
        customers.occasions_life,
        customers.gaps,
        cast(scores.gap_mu as double) as gap_mu,
        cast(scores.gap_sigma as double) as gap_sigma,
        cast(scores.q75_days as double) as q75_days,
        cast(scores.q90_days as double) as q90_days,
        cast(scores.q95_days as double) as q95_days,
        cast(scores.churned_after_days as double) as churned_after_days,
        cast(scores.basis as varchar) as basis,
        bases.label_zh as basis_label_zh,
        bases.label_en as basis_label_en,
        scores.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        cast(scores.flag_churn_risk as boolean) as flag_churn_risk,
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
    left join bases on scores.basis = bases.code
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
