{{ config(location=var('run_dir') ~ '/marts/purchase_group.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as not materialized (
    select * from {{ source('scores', 'purchase_group') }}
),

segments as (
    {{ marts_labels('purchase_group', 'segment') }}
),

maturities as (
    {{ marts_labels('purchase_group', 'maturity') }}
),

rhythms as (
    {{ marts_labels('purchase_group', 'purchase_rhythm') }}
),

reasons as (
    {{ marts_reasons('purchase_group', 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.orders_life,
        customers.net_life,
        customers.tenure_days,
        cast(scores.f_life as integer) as f_life,
        cast(scores.m_life as integer) as m_life,
        cast(scores.purchase_rhythm as varchar) as purchase_rhythm,
        rhythms.label_zh as purchase_rhythm_label_zh,
        rhythms.label_en as purchase_rhythm_label_en,
        scores.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        cast(scores.maturity as varchar) as maturity,
        maturities.label_zh as maturity_label_zh,
        maturities.label_en as maturity_label_en,
        cast(scores.one_time_high_value as boolean) as one_time_high_value,
        -- whoever may still come back is not asked why they left: maturity decides before the group does
        coalesce(maturities.action_codes, segments.action_codes) as action_codes,
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
    left join maturities on scores.maturity = maturities.code
    left join rhythms on scores.purchase_rhythm = rhythms.code
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
