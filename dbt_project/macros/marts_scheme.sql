{#
    The published table of a scheme: one row per customer with the features its reasons compare, what the scheme
    scored, the segment with its words and actions, and the reason in both languages.

    features  columns of customer_features, every one a reason names among them
    scores    columns of the scheme's scores beside segment and reason
    words     column of `scores` or `features` → kind in the seed labels, or scheme.kind where the words are another
              scheme's: gives <column>_label_zh and _label_en
#}
{% macro marts_scheme(scheme, features, scores=[], words={}) -%}
with

customers as (
    select * from {{ ref('customer_features') }}
),

-- read twice: held in memory it would take more than all else
scores as not materialized (
    select * from {{ source('scores', scheme) }}
),

segments as (
    {{ marts_labels(scheme, 'segment') }}
),

{% for column, kind in words.items() %}
{{ column }}_words as (
    {{ marts_labels(kind.split('.')[0] if '.' in kind else scheme, kind.split('.')[-1]) }}
),

{% endfor %}
reasons as (
    {{ marts_reasons(scheme, 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        {%- for column in features %}
        customers.{{ column }},
        {%- endfor %}
        {%- for column in scores %}
        scores.{{ column }},
        {%- endfor %}
        {%- for column in words %}
        {{ column }}_words.label_zh as {{ column }}_label_zh,
        {{ column }}_words.label_en as {{ column }}_label_en,
        {%- endfor %}
        scores.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        segments.action_codes,
        scores.reason_code,
        scores.reason_params,
        reasons.reason_zh,
        reasons.reason_en,
        scores.cutpoint_version
    from customers
    left join scores
        on
            customers.customer_id = scores.customer_id
            and customers.as_of = scores.as_of
            and customers.known_on = scores.known_on
    left join segments on scores.segment = segments.code
    {%- for column in words %}
    left join {{ column }}_words on {{ 'scores' if column in scores else 'customers' }}.{{ column }} = {{ column }}_words.code
    {%- endfor %}
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
{%- endmacro %}
