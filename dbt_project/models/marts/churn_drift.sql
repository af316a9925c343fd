{{ config(location=var('run_dir') ~ '/marts/churn_drift.parquet') }}

with

drift as (
    select * from {{ source('judged_by', 'churn_drift') }}
),

kinds as (
    {{ marts_labels('churn_drift', 'kind') }}
),

names as (
    {{ marts_labels('churn_drift', 'name') }}
),

measures as (
    {{ marts_labels('churn_drift', 'measure') }}
),

statuses as (
    {{ marts_labels('churn_drift', 'status') }}
),

why as (
    {{ marts_labels('churn_probability', 'churn_reason') }}
),

labelled as (
    select
        drift.kind,
        drift.name,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        kinds.label_zh as kind_label_zh,
        kinds.label_en as kind_label_en,
        names.label_zh as name_label_zh,
        names.label_en as name_label_en,
        drift.extract,
        drift.reason_group,
        why.label_zh as reason_group_label_zh,
        why.label_en as reason_group_label_en,
        drift.drift_kind as measure,
        measures.label_zh as measure_label_zh,
        measures.label_en as measure_label_en,
        drift.drift,
        drift.drift_status as status,
        statuses.label_zh as status_label_zh,
        statuses.label_en as status_label_en,
        drift.customers,
        drift.found,
        drift.reference,
        drift.unknown_share,
        drift.unknown_share_reference,
        drift.since as since_on,
        drift.churn_version
    from drift
    left join kinds on drift.kind = kinds.code
    left join names on drift.name = names.code
    left join measures on drift.drift_kind = measures.code
    left join statuses on drift.drift_status = statuses.code
    left join why on drift.reason_group = why.code
)

select * from labelled
order by kind, name
