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


{# Schemes and the published table of each. #}
{% macro marts_scheme_tables() -%}
    {{ return({
        'rfm': 'rfm',
        'purchase_group': 'purchase_group',
        'value_tier': 'value_tier',
        'lifecycle': 'lifecycle',
        'churn_level': 'churn_flag',
    }) }}
{%- endmacro %}
