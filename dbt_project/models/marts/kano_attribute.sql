-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/kano_attribute.parquet') }}

{%- set schemes = var('survey_schemes') %}
{%- set counts = {'must_be': 'M', 'one_dimensional': 'O', 'attractive': 'A', 'indifferent': 'I', 'reverse': 'R'} %}

with

pairs as (
    select
        cast(customer_id as varchar) as customer_id,
        attribute,
        category
    from {{ ref('feat_kano_pair') }}
    where as_of = {{ marts_as_of() }}
),

attributes as (
    select * from {{ ref('kano_attributes') }}
),

grouped as (
    {{ marts_by_group('pairs', schemes) }}
),

counted as (
    select
        scheme,
        segment_code,
        attribute,
        count(*) as pairs,
        count(*) filter (where category = 'Q') as questionable,
        {%- for name, category in counts.items() %}
        count(*) filter (where category = '{{ category }}') as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from grouped
    group by scheme, segment_code, attribute
),

-- the attributes of the seed are always there for everybody: an unasked one is insufficient, not missing
unasked as (
    select
        'all' as scheme,
        'all' as segment_code,
        attribute
    from attributes
    where attribute not in (select attribute from pairs)
),

everything as (
    select * from counted
    union all by name
    select * from unasked
),

filled as (
    select
        scheme,
        segment_code,
        attribute,
        coalesce(pairs, 0) as pairs,
        coalesce(questionable, 0) as questionable,
        coalesce(pairs - questionable, 0) as valid_pairs
        {%- for name in counts %},
        coalesce({{ name }}, 0) as {{ name }}
        {%- endfor %},
        list_reverse_sort([
            {%- for name in counts %}
            coalesce({{ name }}, 0){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as largest_first
    from everything
),

measured as (
    select
        *,
        valid_pairs >= {{ var('kano_min_pairs') }} as is_sufficient,
        -- of equal counts the category that is dearer to miss wins
        case largest_first[1]
            {%- for name, category in counts.items() %}
            when {{ name }} then '{{ category }}'
            {%- endfor %}
        end as most_frequent,
        cast(largest_first[1] - largest_first[2] as double) / nullif(valid_pairs, 0) as strength,
        nullif(attractive + one_dimensional + must_be + indifferent, 0) as satisfiable
    from filled
),

judged as (
    select
        *,
        case
            when not is_sufficient then 'insufficient'
            when largest_first[1] - largest_first[2] < {{ var('kano_mixed_strength') }} * valid_pairs then 'mixed'
            when most_frequent = 'M' then 'basic'
            when most_frequent = 'O' then 'expected'
            when most_frequent = 'A' then 'unexpected'
            when most_frequent = 'I' then 'indifferent'
            else 'reverse'
        end as measured_class
    from measured
),

attribute_words as (
    {{ marts_labels('kano_attribute', 'attribute') }}
),

category_words as (
    {{ marts_labels('kano_attribute', 'category') }}
),

class_words as (
    {{ marts_labels('kano_attribute', 'need_class') }}
),

group_words as (
    {{ marts_group_words() }}
),

labelled as (
    select
        judged.scheme,
        judged.segment_code,
        judged.attribute,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        group_words.segment_label_zh,
        group_words.segment_label_en,
        -- an attribute of the company's own has the name its questionnaire gives it
        coalesce(attribute_words.label_zh, judged.attribute) as attribute_label_zh,
        coalesce(attribute_words.label_en, judged.attribute) as attribute_label_en,
        judged.pairs,
        judged.questionable,
        cast(round(cast(judged.questionable as double) / nullif(judged.pairs, 0), 4) as decimal(5, 4))
            as questionable_share,
        coalesce(judged.questionable > {{ var('kano_reword_share') }} * judged.pairs, false) as needs_rewording,
        judged.valid_pairs
        {%- for name in counts %},
        case when judged.is_sufficient then judged.{{ name }} end as {{ name }}
        {%- endfor %},
        case when judged.is_sufficient then judged.most_frequent end as category,
        category_words.label_zh as category_label_zh,
        category_words.label_en as category_label_en,
        cast(case when judged.is_sufficient then round(judged.strength, 4) end as decimal(5, 4)) as category_strength,
        judged.measured_class,
        measured_words.label_zh as measured_class_label_zh,
        measured_words.label_en as measured_class_label_en,
        attributes.brief_class,
        brief_words.label_zh as brief_class_label_zh,
        brief_words.label_en as brief_class_label_en,
        case
            when judged.measured_class not in ('insufficient', 'mixed')
                then judged.measured_class = attributes.brief_class
        end as agrees,
        cast(
            case
                when judged.is_sufficient
                    then round(cast(judged.attractive + judged.one_dimensional as double) / judged.satisfiable, 4)
            end as decimal(5, 4)
        ) as better,
        cast(
            case
                when judged.is_sufficient
                    then -round(cast(judged.one_dimensional + judged.must_be as double) / judged.satisfiable, 4)
            end as decimal(5, 4)
        ) as worse
    from judged
    left join attributes on judged.attribute = attributes.attribute
    left join attribute_words on judged.attribute = attribute_words.code
    left join category_words on judged.is_sufficient and judged.most_frequent = category_words.code
    left join class_words as measured_words on judged.measured_class = measured_words.code
    left join class_words as brief_words on attributes.brief_class = brief_words.code
    left join group_words
        on judged.scheme = group_words.scheme and judged.segment_code = group_words.segment_code
)

select * from labelled
order by scheme, segment_code, attribute
