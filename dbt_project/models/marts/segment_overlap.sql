{{ config(location=var('run_dir') ~ '/marts/segment_overlap.parquet') }}

with

-- once each, the schemes in their order; a segment beside itself gives its size
pairs as (
    select * from {{ source('compared', 'segment_pairs') }}
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

sizes as (
    select
        scheme,
        segment as segment_code,
        customers
    from pairs
    where scheme = other_scheme
),

population as (
    select max(customers) as customers
    from (
        select sum(customers) as customers
        from sizes
        group by scheme
    ) as by_scheme
),

both_ways as (
    select
        scheme,
        segment as segment_code,
        other_scheme,
        other_segment as other_segment_code,
        customers as customers_in_both
    from pairs
    where scheme <> other_scheme

    union all

    select
        other_scheme as scheme,
        other_segment as segment_code,
        scheme as other_scheme,
        segment as other_segment_code,
        customers as customers_in_both
    from pairs
    where scheme <> other_scheme
),

compared as (
    select
        both_ways.scheme,
        both_ways.segment_code,
        both_ways.other_scheme,
        both_ways.other_segment_code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        segments.label_zh,
        segments.label_en,
        other_segments.label_zh as other_label_zh,
        other_segments.label_en as other_label_en,
        own.customers,
        other.customers as other_customers,
        both_ways.customers_in_both,
        cast(round(cast(both_ways.customers_in_both as double) / own.customers, 6) as decimal(9, 6)) as share,
        cast(round(cast(both_ways.customers_in_both as double) / other.customers, 6) as decimal(9, 6)) as other_share,
        cast(
            round(
                cast(both_ways.customers_in_both as double)
                / (own.customers + other.customers - both_ways.customers_in_both), 6
            ) as decimal(9, 6)
        ) as jaccard,
        cast(
            round(
                cast(both_ways.customers_in_both as double) * population.customers
                / (cast(own.customers as double) * other.customers), 4
            ) as decimal(18, 4)
        ) as lift
    from both_ways
    cross join population
    inner join sizes as own
        on both_ways.scheme = own.scheme and both_ways.segment_code = own.segment_code
    inner join sizes as other
        on both_ways.other_scheme = other.scheme and both_ways.other_segment_code = other.segment_code
    left join segments
        on both_ways.scheme = segments.scheme and both_ways.segment_code = segments.segment_code
    left join segments as other_segments
        on
            both_ways.other_scheme = other_segments.scheme
            and both_ways.other_segment_code = other_segments.segment_code
)

select * from compared
order by scheme, segment_code, other_scheme, other_segment_code
