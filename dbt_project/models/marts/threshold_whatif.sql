{{ config(location=var('run_dir') ~ '/marts/threshold_whatif.parquet') }}

with

trials as (
    select * from {{ source('compared', 'threshold_trials') }}
),

segments as (
    select
        scheme,
        code as segment_code,
        label_zh,
        label_en
    from {{ ref('labels') }}
    where kind = 'segment'
),

directions as (
    {{ marts_labels('threshold_whatif', 'direction') }}
),

told as (
    select
        trials.setting,
        trials.direction,
        trials.scheme,
        trials.segment as segment_code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        segments.label_zh,
        segments.label_en,
        directions.label_zh as direction_label_zh,
        directions.label_en as direction_label_en,
        trials.value_now,
        trials.value_then,
        trials.customers,
        trials.customers_then,
        trials.customers_then - trials.customers as net_change,
        trials.moved_in,
        trials.moved_out,
        trials.movers,
        cast(
            coalesce(
                round(
                    cast(trials.movers as double)
                    / nullif(sum(trials.customers) over (
                        partition by trials.setting, trials.direction, trials.scheme
                    ), 0), 6
                ), 0
            ) as decimal(9, 6)
        ) as movers_share
    from trials
    left join segments on trials.scheme = segments.scheme and trials.segment = segments.segment_code
    left join directions on trials.direction = directions.code
)

select * from told
order by setting, direction, scheme, segment_code
