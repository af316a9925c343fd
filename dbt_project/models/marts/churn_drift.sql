{{ config(location=var('run_dir') ~ '/marts/churn_drift.parquet') }}

with

drift as (
    select * from {{ source('judged_by', 'churn_drift') }}
),

inputs as (
    {{ marts_labels('churn_drift', 'input') }}
),

statuses as (
    {{ marts_labels('churn_drift', 'status') }}
),

why as (
    {{ marts_labels('churn_probability', 'churn_reason') }}
),

labelled as (
    select
        drift.input,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        inputs.label_zh as input_label_zh,
        inputs.label_en as input_label_en,
        drift.extract,
        drift.reason_group,
        why.label_zh as reason_group_label_zh,
        why.label_en as reason_group_label_en,
        drift.psi,
        drift.status,
        statuses.label_zh as status_label_zh,
        statuses.label_en as status_label_en,
        drift.customers,
        drift.unknown_share,
        drift.unknown_share_reference,
        drift.since as since_on,
        drift.churn_version
    from drift
    left join inputs on drift.input = inputs.code
    left join statuses on drift.status = statuses.code
    left join why on drift.reason_group = why.code
)

select * from labelled
order by input
