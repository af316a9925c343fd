{{ config(location=var('run_dir') ~ '/feedback_to_read.parquet') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

items as (
    select
        as_of_dates.as_of,
        feedback.source,
        feedback.feedback_id,
        feedback.channel,
        feedback.text,
        -- 63 bits of a hash: what was read of a text is found again by it, and nobody can read the text in it
        cast(md5_number_lower(feedback.text) >> 1 as bigint) as text_key,
        feedback.rating
    from {{ ref('stg_feedback') }} as feedback
    inner join as_of_dates
        on feedback.created_on < as_of_dates.as_of and {{ is_known('feedback', 'as_of_dates') }}
    where trim(feedback.text) <> ''
)

select * from items
order by as_of, source, feedback_id
