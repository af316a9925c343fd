{{ config(location=var('run_dir') ~ '/memory/memory_measures.parquet') }}

with

labels as (
    select * from {{ ref('labels') }}
),

moves as not materialized (
    select * from {{ source('history', 'moves') }}
),

events as not materialized (
    select * from {{ ref('segment_event') }}
),

memberships as not materialized (
    select * from {{ ref('segment_membership') }}
),

migrations as (
    select * from {{ ref('segment_migration') }}
),

last_day as (
    unpivot (
        select * exclude (net_w, last_event_on, last_late_on)
        from {{ source('history', 'segments') }}
    )
    on columns(* exclude (customer_id))
    into name scheme value segment_code
),

-- who is where, as a number that does not depend on the order of the customers
last_day_members as (
    select
        scheme,
        segment_code,
        count(*) as customers,
        sum(cast(hash(customer_id) as hugeint)) as members
    from last_day
    group by scheme, segment_code
),

open_members as (
    select
        scheme,
        segment_code,
        count(*) as customers,
        sum(cast(hash(customer_id) as hugeint)) as members
    from memberships
    where valid_to is null
    group by scheme, segment_code
),

-- every event until the last day, played: who entered and did not leave
played_members as (
    select
        scheme,
        segment_code,
        sum(case when kind = 'enter' then 1 else -1 end) as customers,
        sum(cast(hash(customer_id) as hugeint) * case when kind = 'enter' then 1 else -1 end) as members
    from events
    group by scheme, segment_code
),

replayed as (
    select
        coalesce(last_day_members.scheme, open_members.scheme, played_members.scheme) as scheme,
        count(*) filter (
            where last_day_members.customers is distinct from open_members.customers
            or last_day_members.members is distinct from open_members.members
        ) as segments_not_rebuilt_by_membership,
        count(*) filter (
            where coalesce(last_day_members.customers, 0) <> coalesce(played_members.customers, 0)
            or coalesce(last_day_members.members, 0) <> coalesce(played_members.members, 0)
        ) as segments_not_rebuilt_by_events
    from last_day_members
    full outer join open_members
        on last_day_members.scheme = open_members.scheme and last_day_members.segment_code = open_members.segment_code
    full outer join played_members
        on
            coalesce(last_day_members.scheme, open_members.scheme) = played_members.scheme
            and coalesce(last_day_members.segment_code, open_members.segment_code) = played_members.segment_code
    where
        -- a scheme that is scored no more ends as it was; the last day cannot tell of it
        coalesce(last_day_members.scheme, open_members.scheme, played_members.scheme)
        in (select scored.scheme from last_day_members as scored)
    group by all
),

-- a span must end after it began, and a scheme can hold a customer once: spans that touch are as many as moves
spans as (
    select
        scheme,
        count(*) as memberships,
        count(*) filter (where valid_to <= valid_from) as spans_that_overlap
    from memberships
    group by scheme
),

moves_per_scheme as (
    select
        scheme,
        count(*) as rows_in,
        count(*) filter (where segment is not null) as entered,
        count(*) filter (where previous_as_of is not null) as moves,
        count(*) filter (where cause = 'own_behaviour') as own_behaviour,
        count(*) filter (where cause = 'passage_of_time') as passage_of_time,
        count(*) filter (where cause = 'new_cutpoints') as new_cutpoints,
        count(*) filter (where cause = 'corrected_data') as corrected_data,
        count(*) filter (where segment is not distinct from previous_segment) as moves_to_the_same_segment
    from moves
    group by scheme
),

migrations_per_scheme as (
    select
        scheme,
        sum(moves) filter (where period = 'day') as moves_by_day,
        sum(moves) filter (where period = 'month') as moves_by_month,
        count(*) filter (where cause_label_zh is null or cause_label_en is null) as causes_without_words,
        count(*) filter (where moves > from_customers and period = 'day') as more_left_than_were_there
    from migrations
    group by scheme
),

codes as (
    select
        scheme,
        segment_code
    from memberships
    group by scheme, segment_code
),

codes_per_scheme as (
    select
        codes.scheme,
        count(*) filter (where labels.code is null) as segments_not_in_dictionary
    from codes
    left join labels
        on codes.scheme = labels.scheme and labels.kind = 'segment' and codes.segment_code = labels.code
    group by codes.scheme
),

measures as (
    select
        moves_per_scheme.scheme,
        cast(moves_per_scheme.moves as bigint) as moves,
        cast(moves_per_scheme.own_behaviour as bigint) as own_behaviour,
        cast(moves_per_scheme.passage_of_time as bigint) as passage_of_time,
        cast(moves_per_scheme.new_cutpoints as bigint) as new_cutpoints,
        cast(moves_per_scheme.corrected_data as bigint) as corrected_data,
        cast(
            moves_per_scheme.moves - moves_per_scheme.own_behaviour - moves_per_scheme.passage_of_time
            - moves_per_scheme.new_cutpoints - moves_per_scheme.corrected_data as bigint
        ) as moves_without_cause,
        cast(moves_per_scheme.moves - coalesce(migrations_per_scheme.moves_by_day, 0) as bigint)
            as moves_missing_by_day,
        cast(moves_per_scheme.moves - coalesce(migrations_per_scheme.moves_by_month, 0) as bigint)
            as moves_missing_by_month,
        cast(moves_per_scheme.entered - coalesce(spans.memberships, 0) as bigint) as memberships_missing,
        cast(coalesce(spans.spans_that_overlap, 0) as bigint) as spans_that_overlap,
        cast(moves_per_scheme.moves_to_the_same_segment as bigint) as moves_to_the_same_segment,
        cast(coalesce(replayed.segments_not_rebuilt_by_membership, 0) as bigint) as segments_not_rebuilt_by_membership,
        cast(coalesce(replayed.segments_not_rebuilt_by_events, 0) as bigint) as segments_not_rebuilt_by_events,
        cast(coalesce(codes_per_scheme.segments_not_in_dictionary, 0) as bigint) as segments_not_in_dictionary,
        cast(coalesce(migrations_per_scheme.causes_without_words, 0) as bigint) as causes_without_words,
        cast(coalesce(migrations_per_scheme.more_left_than_were_there, 0) as bigint) as more_left_than_were_there
    from moves_per_scheme
    left join migrations_per_scheme on moves_per_scheme.scheme = migrations_per_scheme.scheme
    left join spans on moves_per_scheme.scheme = spans.scheme
    left join replayed on moves_per_scheme.scheme = replayed.scheme
    left join codes_per_scheme on moves_per_scheme.scheme = codes_per_scheme.scheme
)

select * from measures
order by scheme
