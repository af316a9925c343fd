{{ config(location=var('run_dir') ~ '/marts/dictionary.parquet') }}

with

labels as (
    select * from {{ ref('labels') }}
),

actions as (
    select * from {{ ref('actions') }}
),

reasons as (
    select * from {{ ref('reasons') }}
),

label_actions as (
    select
        scheme,
        kind,
        code,
        unnest(string_split(action_codes, '|')) as action_code,
        generate_subscripts(string_split(action_codes, '|'), 1) as place
    from labels
    where action_codes <> ''
),

action_names as (
    select
        label_actions.scheme,
        label_actions.kind,
        label_actions.code,
        string_agg(actions.name_zh, '；' order by label_actions.place) as action_names_zh,
        string_agg(actions.name_en, '; ' order by label_actions.place) as action_names_en
    from label_actions
    inner join actions on label_actions.action_code = actions.action_code
    group by label_actions.scheme, label_actions.kind, label_actions.code
),

entries as (
    select
        labels.scheme,
        labels.kind,
        labels.code,
        labels.label_zh,
        labels.label_en,
        labels.definition_zh,
        labels.definition_en,
        labels.action_codes,
        action_names.action_names_zh,
        action_names.action_names_en,
        cast(null as varchar) as predicate,
        labels.sort_order
    from labels
    left join action_names
        on
            labels.scheme = action_names.scheme
            and labels.kind = action_names.kind
            and labels.code = action_names.code

    union all

    select
        'all' as scheme,
        'action' as kind,
        action_code as code,
        name_zh as label_zh,
        name_en as label_en,
        for_whom_zh as definition_zh,
        for_whom_en as definition_en,
        cast(null as varchar) as action_codes,
        cast(null as varchar) as action_names_zh,
        cast(null as varchar) as action_names_en,
        cast(null as varchar) as predicate,
        cast(substr(action_code, 3) as integer) as sort_order
    from actions

    union all

    -- a reason is its own definition: the sentence, and the predicate it stands for
    select
        scheme,
        'reason' as kind,
        reason_code as code,
        text_zh as label_zh,
        text_en as label_en,
        text_zh as definition_zh,
        text_en as definition_en,
        cast(null as varchar) as action_codes,
        cast(null as varchar) as action_names_zh,
        cast(null as varchar) as action_names_en,
        predicate,
        cast(row_number() over (partition by scheme order by reason_code) as integer) as sort_order
    from reasons
),

dated as (
    select
        scheme,
        kind,
        code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        label_zh,
        label_en,
        definition_zh,
        definition_en,
        nullif(action_codes, '') as action_codes,
        action_names_zh,
        action_names_en,
        predicate,
        cast(sort_order as integer) as sort_order
    from entries
)

select * from dated
order by scheme, kind, code
