{{ config(location=var('run_dir') ~ '/marts/value_tier.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as not materialized (
    select * from {{ source('scores', 'value_tier') }}
),

segments as (
    {{ marts_labels('value_tier', 'segment') }}
),

bases as (
    {{ marts_labels('value_tier', 'basis') }}
),

care_levels as (
    {{ marts_labels('value_tier', 'care_level') }}
),

reasons as (
    {{ marts_reasons('value_tier', 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.orders_w,
        customers.net_w,
        customers.margin_w,
        customers.cost_coverage_w,
        scores.value_basis,
        bases.label_zh as value_basis_label_zh,
        bases.label_en as value_basis_label_en,
        cast(scores.value as double) as value,
        scores.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        cast(scores.care_level as varchar) as care_level,
        care_levels.label_zh as care_level_label_zh,
        care_levels.label_en as care_level_label_en,
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
    left join bases on scores.value_basis = bases.code
    left join care_levels on scores.care_level = care_levels.code
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
