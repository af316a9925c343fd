{#
    The rows of `relation` (with a customer_id, few beside the customers) once for everybody, as scheme `all` and
    segment `all`, and once for the segment of their customer in each of `schemes`. Besides the schemes there are
    `age_band` and `green_region`; who has none is left out there.
#}
{% macro marts_by_group(relation, schemes) -%}
    select
        {{ relation }}.*,
        'all' as scheme,
        'all' as segment_code
    from {{ relation }}
    {%- for scheme in schemes %}
    union all
    select
        {{ relation }}.*,
        '{{ scheme }}' as scheme,
        {{ marts_group_code(scheme) }} as segment_code
    from {{ relation }}
    inner join {{ marts_group_table(scheme) }} as customers on {{ relation }}.customer_id = customers.customer_id
    where {{ marts_group_code(scheme) }} is not null
    {%- endfor %}
{%- endmacro %}


{# How many customers each of those groups has: scheme, segment_code, customers. #}
{% macro marts_group_sizes(schemes) -%}
    select
        'all' as scheme,
        'all' as segment_code,
        count(*) as customers
    from {{ ref('customer_features') }}
    {%- for scheme in schemes %}
    union all
    select
        '{{ scheme }}' as scheme,
        {{ marts_group_code(scheme) }} as segment_code,
        count(*) as customers
    from {{ marts_group_table(scheme) }} as customers
    where {{ marts_group_code(scheme) }} is not null
    group by {{ marts_group_code(scheme) }}
    {%- endfor %}
{%- endmacro %}


{% macro marts_group_table(scheme) -%}
    {{ ref('customer_features') if scheme in ('age_band', 'green_region') else ref('customer_360') }}
{%- endmacro %}


{% macro marts_group_code(scheme) -%}
    {%- if scheme == 'green_region' -%}
        case when customers.green_region then 'green' when not customers.green_region then 'not_green' end
    {%- else -%}
        customers.{{ scheme if scheme == 'age_band' else scheme ~ '_segment_code' }}
    {%- endif -%}
{%- endmacro %}


{# The words of those groups: scheme, segment_code, segment_label_zh, segment_label_en. #}
{% macro marts_group_words() -%}
    select
        case when kind in ('age_band', 'green_region') then kind else scheme end as scheme,
        code as segment_code,
        label_zh as segment_label_zh,
        label_en as segment_label_en
    from {{ ref('labels') }}
    where
        kind in ('segment', 'green_region')
        or (scheme = 'all' and kind = 'group')
        or (scheme = 'customer_360' and kind = 'age_band')
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
