{{ config(location=var('run_dir') ~ '/marts/text_evaluation.parquet') }}

with

evaluation as (
    select * from {{ source('judged_by', 'text_evaluation') }}
),

measure_words as (
    {{ marts_labels('feedback', 'measure') }}
),

status_words as (
    {{ marts_labels('feedback', 'status') }}
),

labelled as (
    select
        evaluation.model_version,
        evaluation.measure,
        evaluation.slice_kind,
        evaluation.slice,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        evaluation.status,
        status_words.label_zh as status_label_zh,
        status_words.label_en as status_label_en,
        measure_words.label_zh as measure_label_zh,
        measure_words.label_en as measure_label_en,
        evaluation.value,
        evaluation.texts
    from evaluation
    left join measure_words on evaluation.measure = measure_words.code
    left join status_words on evaluation.status = status_words.code
)

select * from labelled
order by model_version, measure, slice_kind, slice
