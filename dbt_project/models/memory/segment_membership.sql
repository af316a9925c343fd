{{ config(
    location=var('run_dir') ~ '/memory/segment_membership.parquet',
    slices={'of': ['history', 'moves'], 'by': 'scheme'},
) }}

with

moves as (
    select * from {{ source('history', 'moves') }}
    where {{ in_slice('scheme') }}
),

-- every move ends what the one before it began, also one that leads nowhere
spans as (
    select
        scheme,
        customer_id,
        segment as segment_code,
        as_of as valid_from,
        lead(as_of) over (partition by scheme, customer_id order by as_of) as valid_to,
        previous_segment as previous_segment_code,
        cause
    from moves
),

memberships as (
    select * from spans
    where segment_code is not null
)

select * from memberships
order by scheme, customer_id, valid_from
