-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/need_priority.parquet') }}

{%- set schemes = var('survey_schemes') %}

with

attributes as (
    select * from {{ ref('kano_attributes') }}
),

-- customers who said something of a known topic, once a topic
said as (
    select
        cast(customer_id as varchar) as customer_id,
        topic
    from {{ ref('feat_feedback_item') }}
    where
        as_of = {{ marts_as_of() }}
        and age_days <= 365
        and customer_id is not null
        and topic is not null
    group by customer_id, topic
),

said_by_group as (
    {{ marts_by_group('said', schemes) }}
),

heard as (
    select
        scheme,
        segment_code,
        count(distinct customer_id) as heard_customers
    from said_by_group
    group by scheme, segment_code
),

mentioned as (
    select
        scheme,
        segment_code,
        topic,
        count(*) as customers
    from said_by_group
    group by scheme, segment_code, topic
),

-- how important the attribute is; of who was asked only for the need it belongs to, how important that is
rated as (
    select
        cast(answers.customer_id as varchar) as customer_id,
        attributes.attribute,
        max(try_cast(answers.answer as integer)) filter (where answers.attribute = attributes.attribute) as own_answer,
        max(try_cast(answers.answer as integer)) as any_answer
    from {{ ref('feat_survey_answer') }} as answers
    inner join attributes
        on answers.attribute = attributes.attribute or answers.attribute = attributes.need
    where
        answers.as_of = {{ marts_as_of() }}
        and answers.question_kind = 'importance'
        and try_cast(answers.answer as integer) between 1 and 5
        and answers.age_days <= {{ var('stated_valid_days') }}
    group by answers.customer_id, attributes.attribute
),

rated_by_group as (
    {{ marts_by_group('rated', schemes) }}
),

importance as (
    select
        scheme,
        segment_code,
        attribute,
        count(*) as asked_customers,
        sum(coalesce(own_answer, any_answer)) as answered_points
    from rated_by_group
    group by scheme, segment_code, attribute
),

groups as (
    select
        'all' as scheme,
        'all' as segment_code
    union
    select
        scheme,
        segment_code
    from heard
    union
    select
        scheme,
        segment_code
    from importance
),

terms as (
    select
        groups.scheme,
        groups.segment_code,
        attributes.attribute,
        coalesce(heard.heard_customers, 0) as heard_customers,
        case when attributes.topic is not null then coalesce(mentioned.customers, 0) end as mentioning_customers,
        case
            when attributes.topic is not null and heard.heard_customers >= {{ var('need_min_customers') }}
                then round(cast(coalesce(mentioned.customers, 0) as double) / heard.heard_customers, 4)
        end as frequency_share,
        coalesce(importance.asked_customers, 0) as asked_customers,
        case
            when importance.asked_customers >= {{ var('need_min_customers') }}
                then round(cast(importance.answered_points as double) / (5 * importance.asked_customers), 4)
        end as importance,
        cast(attributes.difficulty as double) as difficulty
    from groups
    cross join attributes
    left join heard on groups.scheme = heard.scheme and groups.segment_code = heard.segment_code
    left join mentioned
        on
            groups.scheme = mentioned.scheme
            and groups.segment_code = mentioned.segment_code
            and attributes.topic = mentioned.topic
    left join importance
        on
            groups.scheme = importance.scheme
            and groups.segment_code = importance.segment_code
            and attributes.attribute = importance.attribute
),

counted as (
    select
        *,
        cast(frequency_share is not null as integer)
        + cast(importance is not null as integer)
        + cast(difficulty is not null as integer) as known_terms
    from terms
),

scored as (
    select
        *,
        -- a missing term is left out: the geometric mean of the others
        case
            when known_terms > 0
                then round(
                    pow(
                        coalesce(frequency_share, 1) * coalesce(importance, 1) * (1 - coalesce(difficulty, 0)),
                        1.0 / known_terms
                    ),
                    4
                )
        end as priority
    from counted
),

ranked as (
    select
        *,
        -- a mean of fewer terms is another quantity: only what is known best is put in order
        case
            when known_terms > 0 and known_terms = max(known_terms) over (partition by scheme, segment_code)
                then rank() over (partition by scheme, segment_code, known_terms order by priority desc)
        end as priority_rank
    from scored
),

attribute_words as (
    {{ marts_labels('kano_attribute', 'attribute') }}
),

class_words as (
    {{ marts_labels('kano_attribute', 'need_class') }}
),

group_words as (
    {{ marts_group_words() }}
),

labelled as (
    select
        ranked.scheme,
        ranked.segment_code,
        ranked.attribute,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        coalesce(attribute_words.label_zh, ranked.attribute) as attribute_label_zh,
        coalesce(attribute_words.label_en, ranked.attribute) as attribute_label_en,
        attributes.brief_class,
        class_words.label_zh as brief_class_label_zh,
        class_words.label_en as brief_class_label_en,
        ranked.heard_customers,
        ranked.mentioning_customers,
        cast(ranked.frequency_share as decimal(5, 4)) as frequency_share,
        ranked.asked_customers,
        cast(ranked.importance as decimal(5, 4)) as importance,
        cast(ranked.difficulty as decimal(5, 4)) as difficulty,
        cast(ranked.priority as decimal(5, 4)) as priority,
        cast(round(ranked.known_terms / 3.0, 4) as decimal(5, 4)) as coverage,
        cast(ranked.priority_rank as integer) as priority_rank,
        ranked.priority_rank <= {{ var('key_needs') }} as is_key_need
    from ranked
    inner join attributes on ranked.attribute = attributes.attribute
    left join attribute_words on ranked.attribute = attribute_words.code
    left join class_words on attributes.brief_class = class_words.code
    left join group_words
        on ranked.scheme = group_words.scheme and ranked.segment_code = group_words.segment_code
)

select * from labelled
order by scheme, segment_code, attribute
