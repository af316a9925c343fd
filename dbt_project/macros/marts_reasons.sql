{# `template` with each {name} replaced by that member of the JSON text `params`; a name that is not there stays.
   A whole number written as 60.0 is shown to readers as 60; predicates keep it as it stands. #}
{% macro marts_filled(template, params, for_readers=true) -%}
    {%- set number = "json_extract_string(" ~ params ~ ", '$.' || split_part(piece, '}', 1))" -%}
    {%- if for_readers -%}
        {%- set number = "regexp_replace(" ~ number ~ ", '^(-?[0-9]+)[.]0+$', '\\1')" -%}
    {%- endif -%}
    (
        select
            string_agg(
                case
                    when place = 1 then piece
                    else coalesce({{ number }} || substr(piece, strpos(piece, '}') + 1), '{' || piece)
                end,
                '' order by place
            )
        from (
            select
                unnest(string_split({{ template }}, '{')) as piece,
                generate_subscripts(string_split({{ template }}, '{'), 1) as place
        ) as pieces
    )
{%- endmacro %}


{# One row per (reason_code, reason_params) in use in `relation`, with its texts and its predicate filled in.
   A scheme has a handful of them however many customers there are, so JSON and text are handled here only. #}
{% macro marts_reasons(scheme, relation) -%}
    select
        used.reason_code,
        used.reason_params,
        {{ marts_filled('templates.text_zh', 'used.reason_params') }} as reason_zh,
        {{ marts_filled('templates.text_en', 'used.reason_params') }} as reason_en,
        {{ marts_filled('templates.predicate', 'used.reason_params', for_readers=false) }} as predicate
    from (
        select
            reason_code,
            reason_params
        from {{ relation }}
        group by reason_code, reason_params
    ) as used
    left join {{ ref('reasons') }} as templates
        on used.reason_code = templates.reason_code and templates.scheme = '{{ scheme }}'
{%- endmacro %}


{# Customers of a published scheme table for whom the reason given is not true, or for whom another reason of the
   scheme is true as well. The predicates run over the published table itself, so a predicate that compares a
   number BI cannot see stops the build and names the column. `case when` is left at the first part of a predicate
   that is not true, which takes a third of the time of a boolean that is added up (1M customers, 83 reasons). #}
{% macro marts_reason_replay(scheme, relation) -%}
    {%- set in_use = [] -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set in_use = run_query(marts_reasons(scheme, relation) ~ ' order by all').rows -%}
    {%- endif -%}
    {%- if in_use | length > 1000 -%}
        {{ exceptions.raise_compiler_error(
            scheme ~ ': ' ~ (in_use | length) ~ ' different reasons with their parameters, wanted a few per segment; '
            ~ 'parameters are cut-points and settings, never the customer\'s own numbers'
        ) }}
    {%- endif -%}
    select
        '{{ scheme }}' as scheme,
        replayed.customer_id,
        replayed.segment_code,
        replayed.reason_code,
        replayed.reason_params,
        replayed.own_reason_holds,
        replayed.reasons_held
    from (
        select
            judged.customer_id,
            judged.segment_code,
            judged.reason_code,
            judged.reason_params,
            case in_use.place
                {%- for reason in in_use %}
                when {{ loop.index }} then (case when {{ reason[4] or 'false' }} then true else false end)
                {%- endfor %}
                else false
            end as own_reason_holds,
            0
            {%- for reason in in_use %}
            + (case when {{ reason[4] or 'false' }} then 1 else 0 end)
            {%- endfor %} as reasons_held
        from {{ relation }} as judged
        left join (
            {%- for reason in in_use %}
            select
                {{ loop.index }} as place,
                {{ marts_text(reason[0]) }} as in_use_code,
                {{ marts_text(reason[1]) }} as in_use_params
            union all
            {%- endfor %}
            select
                0 as place,
                '' as in_use_code,
                '' as in_use_params
        ) as in_use
            on judged.reason_code = in_use.in_use_code and judged.reason_params = in_use.in_use_params
    ) as replayed
    where not replayed.own_reason_holds or replayed.reasons_held <> 1
{%- endmacro %}


{# A value as a SQL text literal. #}
{% macro marts_text(value) -%}
    {{ "''" if value is none else "'" ~ (value | replace("'", "''")) ~ "'" }}
{%- endmacro %}
