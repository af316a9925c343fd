{{ config(location=var('run_dir') ~ '/memory/segment_migration.parquet') }}

with

labels as (
    select
        scheme,
        kind,
        code,
        label_zh,
        label_en
    from {{ ref('labels') }}
),

moves as not materialized (
    select * from {{ source('history', 'moves') }}
),

-- before anything is counted by period: few rows a day, however many customers there are
daily as (
    select
        scheme,
        as_of,
        previous_as_of,
        previous_segment,
        segment,
        cause,
        count(*) as moves,
        sum(net_w) as net_w,
        sum(previous_net_w) as previous_net_w
    from moves
    group by all
),

-- the first day of a scheme fills it: nobody moves
moved as (
    select * from daily
    where previous_as_of is not null
),

month_customers as (
    select
        scheme,
        date_trunc('month', as_of) as period_from,
        previous_segment,
        segment,
        cause,
        count(distinct customer_id) as customers
    from moves
    where previous_as_of is not null
    group by all
),

by_period as (
    select
        'day' as period,
        as_of as period_from,
        as_of as period_to,
        scheme,
        previous_segment,
        segment,
        cause,
        moves,
        moves as customers,
        net_w,
        previous_net_w
    from moved

    union all

    select
        'month' as period,
        cast(months.period_from as date) as period_from,
        months.period_to,
        months.scheme,
        months.previous_segment,
        months.segment,
        months.cause,
        months.moves,
        month_customers.customers,
        months.net_w,
        months.previous_net_w
    from (
        select
            date_trunc('month', as_of) as period_from,
            max(max(as_of)) over (partition by scheme, date_trunc('month', as_of)) as period_to,
            scheme,
            previous_segment,
            segment,
            cause,
            sum(moves) as moves,
            sum(net_w) as net_w,
            sum(previous_net_w) as previous_net_w
        from moved
        group by scheme, date_trunc('month', as_of), previous_segment, segment, cause
    ) as months
    inner join month_customers
        on
            months.scheme = month_customers.scheme
            and months.period_from = month_customers.period_from
            and months.previous_segment is not distinct from month_customers.previous_segment
            and months.segment is not distinct from month_customers.segment
            and months.cause = month_customers.cause
),

-- how many are in a segment after each day: all who entered less all who left until then
changes as (
    select
        scheme,
        as_of,
        segment as segment_code,
        moves as change
    from daily
    where segment is not null

    union all

    select
        scheme,
        as_of,
        previous_segment as segment_code,
        -moves as change
    from daily
    where previous_segment is not null
),

daily_changes as (
    select
        scheme,
        segment_code,
        as_of,
        sum(change) as change
    from changes
    group by scheme, segment_code, as_of
),

sizes as (
    select
        scheme,
        segment_code,
        as_of,
        sum(change) over (partition by scheme, segment_code order by as_of) as customers
    from daily_changes
),

with_sizes as (
    select
        by_period.*,
        sizes_before.customers as from_customers,
        sizes_after.customers as to_customers
    from by_period
    asof left join sizes as sizes_before
        on
            by_period.scheme = sizes_before.scheme
            and by_period.previous_segment = sizes_before.segment_code
            and by_period.period_from > sizes_before.as_of
    asof left join sizes as sizes_after
        on
            by_period.scheme = sizes_after.scheme
            and by_period.segment = sizes_after.segment_code
            and by_period.period_to >= sizes_after.as_of
),

labelled as (
    select
        with_sizes.period,
        with_sizes.period_from,
        with_sizes.period_to,
        with_sizes.scheme,
        with_sizes.previous_segment as from_segment_code,
        from_labels.label_zh as from_label_zh,
        from_labels.label_en as from_label_en,
        with_sizes.segment as to_segment_code,
        to_labels.label_zh as to_label_zh,
        to_labels.label_en as to_label_en,
        with_sizes.cause,
        causes.label_zh as cause_label_zh,
        causes.label_en as cause_label_en,
        cast(with_sizes.moves as bigint) as moves,
        cast(with_sizes.customers as bigint) as customers,
        cast(with_sizes.from_customers as bigint) as from_customers,
        cast(with_sizes.to_customers as bigint) as to_customers,
        cast(with_sizes.previous_net_w as decimal(18, 2)) as previous_net_w,
        cast(with_sizes.net_w as decimal(18, 2)) as net_w
    from with_sizes
    left join labels as from_labels
        on
            with_sizes.scheme = from_labels.scheme
            and from_labels.kind = 'segment'
            and with_sizes.previous_segment = from_labels.code
    left join labels as to_labels
        on
            with_sizes.scheme = to_labels.scheme
            and to_labels.kind = 'segment'
            and with_sizes.segment = to_labels.code
    left join labels as causes
        on causes.scheme = 'memory' and causes.kind = 'cause' and with_sizes.cause = causes.code
)

select * from labelled
order by scheme, period, period_from, from_segment_code, to_segment_code, cause
