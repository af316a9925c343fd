{{ config(location=var('run_dir') ~ '/marts/rfm.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as not materialized (
    select * from {{ source('scores', 'rfm') }}
),

segments as (
    {{ marts_labels('rfm', 'segment') }}
),

cells as (
    {{ marts_labels('rfm', 'rfm8') }}
),

reasons as (
    {{ marts_reasons('rfm', 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.recency_days,
        customers.orders_life,
        customers.orders_w,
        customers.net_w,
        cast(scores.r as integer) as r,
        cast(scores.f as integer) as f,
        cast(scores.m as integer) as m,
        cast(scores.fm as integer) as fm,
        cast(scores.rfm_code as varchar) as rfm_code,
        scores.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        cast(scores.rfm8_code as varchar) as rfm8_code,
        cells.label_zh as rfm8_label_zh,
        cells.label_en as rfm8_label_en,
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
    left join cells on scores.rfm8_code = cells.code
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
