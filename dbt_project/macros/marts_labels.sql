{# The words of one kind of code: code, label_zh, label_en, action_codes. #}
{% macro marts_labels(scheme, kind) -%}
    select
        code,
        label_zh,
        label_en,
        action_codes
    from {{ ref('labels') }}
    where scheme = '{{ scheme }}' and kind = '{{ kind }}'
{%- endmacro %}


{# What every published table says of its day; one run builds one day. #}
{% macro marts_as_of() -%}
    cast('{{ var("as_of_dates")[0].as_of }}' as date)
{%- endmacro %}


{% macro marts_known_on() -%}
    cast('{{ var("as_of_dates")[0].known_on }}' as date)
{%- endmacro %}

{# Schemes and the published table of each, in the order of models/schemes.py. #}
{% macro marts_scheme_tables() -%}
    {%- set tables = {} -%}
    {%- for scheme in [
        'rfm',
        'purchase_group',
        'value_tier',
        'lifecycle',
        'churn_level',
        'value_index',
        'geo_segment',
        'demographic_segment',
        'occasion',
        'psychographic',
        'satisfaction',
        'loyalty',
        'referral',
        'price_sensitivity',
        'price_tier',
        'purchase_time',
        'purchase_channel',
        'brand_affinity',
        'novelty',
        'usage',
        'interaction',
        'social',
        'decision_stage',
        'membership',
        'contact_channel',
        'silent',
        'need',
        'barrier',
    ] -%}
        {%- do tables.update({scheme: 'churn_flag' if scheme == 'churn_level' else scheme}) -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}
