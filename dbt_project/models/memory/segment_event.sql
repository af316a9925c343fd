{{ config(
    location=var('run_dir') ~ '/memory/segment_event.parquet',
    slices={'of': ['history', 'moves'], 'by': 'scheme'},
) }}

with

moves as not materialized (
    select * from {{ source('history', 'moves') }}
    where {{ in_slice('scheme') }}
),

-- a move leaves one segment and enters another; who arrives leaves none, who departs enters none
events as (
    select
        scheme,
        as_of,
        customer_id,
        'exit' as kind,
        previous_segment as segment_code,
        cast(null as varchar) as previous_segment_code,
        segment as next_segment_code,
        previous_as_of,
        cause,
        previous_net_w as net_w
    from moves
    where previous_segment is not null

    union all

    select
        scheme,
        as_of,
        customer_id,
        'enter' as kind,
        segment as segment_code,
        previous_segment as previous_segment_code,
        cast(null as varchar) as next_segment_code,
        previous_as_of,
        cause,
        net_w
    from moves
    where segment is not null
)

select * from events
order by scheme asc, as_of asc, customer_id asc, kind desc
