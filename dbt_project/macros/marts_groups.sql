{#
    The rows of `relation` (with a customer_id, few beside the customers) once for everybody, as scheme `all` and
    segment `all`, and once for the segment of their customer in each of `schemes`. Besides the schemes there is
    `age_band`; who has none is left out there.
#}
{% macro marts_by_group(relation, schemes) -%}
    select
        {{ relation }}.*,
        'all' as scheme,
        'all' as segment_code
    from {{ relation }}
    {%- for scheme in schemes %}
    {%- set segment = 'age_band' if scheme == 'age_band' else scheme ~ '_segment_code' %}
    union all
    select
        {{ relation }}.*,
        '{{ scheme }}' as scheme,
        customers.{{ segment }} as segment_code
    from {{ relation }}
    inner join {{ ref('customer_360') }} as customers on {{ relation }}.customer_id = customers.customer_id
    where customers.{{ segment }} is not null
    {%- endfor %}
{%- endmacro %}


{# The words of those groups: scheme, segment_code, segment_label_zh, segment_label_en. #}
{% macro marts_group_words() -%}
    select
        case when kind = 'age_band' then 'age_band' else scheme end as scheme,
        code as segment_code,
        label_zh as segment_label_zh,
        label_en as segment_label_en
    from {{ ref('labels') }}
    where kind = 'segment' or (scheme = 'all' and kind = 'group') or (scheme = 'customer_360' and kind = 'age_band')
{%- endmacro %}


{# Lower ('-') and upper ('+') end of the Wilson interval of a share, to four decimals; null of nothing. Wilson 1927. #}
{% macro marts_wilson(part, whole, side, z) -%}
    round(
        (
            cast({{ part }} as double) / nullif({{ whole }}, 0) + {{ z }} * {{ z }} / (2 * nullif({{ whole }}, 0))
            {{ side }} {{ z }} * sqrt(
                (
                    (cast({{ part }} as double) / nullif({{ whole }}, 0))
                    * (1 - cast({{ part }} as double) / nullif({{ whole }}, 0))
                    + {{ z }} * {{ z }} / (4 * nullif({{ whole }}, 0))
                ) / nullif({{ whole }}, 0)
            )
        ) / (1 + {{ z }} * {{ z }} / nullif({{ whole }}, 0)),
        4
    )
{%- endmacro %}
