-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/brand_awareness.parquet') }}

{%- set schemes = var('survey_schemes') %}
{%- set yes = ['yes', 'y', 'true', '1', '是', '知道', '听说过'] %}
{%- set no = ['no', 'n', 'false', '0', '否', '不知道', '没听说过'] %}

with

answers as (
    select
        cast(customer_id as varchar) as customer_id,
        coalesce(attribute_as_sent, '') as brand,
        case
            when answer in ('{{ yes | join("', '") }}') then true
            when answer in ('{{ no | join("', '") }}') then false
        end as is_aware
    from {{ ref('feat_survey_answer') }}
    where
        as_of = {{ marts_as_of() }}
        and question_kind = 'brand_awareness'
        and age_days <= {{ var('stated_valid_days') }}
),

answers_by_group as (
    {{ marts_by_group('answers', schemes) }}
),

asked as (
    select
        scheme,
        segment_code,
        brand,
        count(is_aware) as answers,
        count(*) filter (where is_aware) as aware_answers
    from answers_by_group
    where is_aware is not null
    group by scheme, segment_code, brand
),

spoken as (
    select
        customer_id,
        shares_365d,
        comments_365d,
        likes_365d,
        reach_365d,
        invites_365d
    from {{ ref('customer_features') }}
),

spoken_by_group as (
    {{ marts_by_group('spoken', schemes) }}
),

-- null where nothing of the kind is delivered, never 0
mouths as (
    select
        scheme,
        segment_code,
        count(*) as customers,
        sum(shares_365d + comments_365d + likes_365d) as social_mentions_365d,
        count(*) filter (where shares_365d + comments_365d + likes_365d > 0) as mentioning,
        count(shares_365d) as told_of_social,
        sum(reach_365d) as social_reach_365d,
        sum(invites_365d) as invites_365d,
        count(*) filter (where invites_365d > 0) as inviting,
        count(invites_365d) as told_of_invites
    from spoken_by_group
    group by scheme, segment_code
),

group_words as (
    {{ marts_group_words() }}
),

labelled as (
    select
        mouths.scheme,
        mouths.segment_code,
        coalesce(asked.brand, '') as brand,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        mouths.customers,
        coalesce(asked.answers, 0) as answers,
        {%- for name, expression in {
            'awareness_share': 'round(cast(asked.aware_answers as double) / asked.answers, 4)',
            'awareness_low': marts_wilson('asked.aware_answers', 'asked.answers', '-', var('need_trend_z')),
            'awareness_high': marts_wilson('asked.aware_answers', 'asked.answers', '+', var('need_trend_z')),
        }.items() %}
        cast(case when asked.answers >= {{ var('awareness_min_answers') }} then {{ expression }} end as decimal(5, 4))
            as {{ name }},
        {%- endfor %}
        cast(mouths.social_mentions_365d as bigint) as social_mentions_365d,
        cast(mouths.social_reach_365d as bigint) as social_reach_365d,
        cast(round(cast(mouths.mentioning as double) / nullif(mouths.told_of_social, 0), 6) as decimal(9, 6))
            as mentioning_share,
        cast(mouths.invites_365d as bigint) as invites_365d,
        cast(round(cast(mouths.inviting as double) / nullif(mouths.told_of_invites, 0), 6) as decimal(9, 6))
            as inviting_share
    from mouths
    left join asked on mouths.scheme = asked.scheme and mouths.segment_code = asked.segment_code
    left join group_words
        on mouths.scheme = group_words.scheme and mouths.segment_code = group_words.segment_code
)

select * from labelled
order by scheme, segment_code, brand
