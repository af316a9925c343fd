{# The name of a city in one spelling: 上海市, 上海 and ＳＨＡＮＧＨＡＩ City lose case, width and the word for city. #}
{% macro city_key(column) -%}
    regexp_replace(regexp_replace({{ code(column) }}, ' (city|shi)$', ''), '^(..+)市$', '\1')
{%- endmacro %}

{% macro province_key(column) -%}
    regexp_replace(
        regexp_replace({{ code(column) }}, ' (province|autonomous region|municipality)$', ''),
        '^(..+?)(省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)$', '\1'
    )
{%- endmacro %}

{% macro country_key(column) -%}
    case
        when {{ code(column) }} in ('中国', '中华人民共和国', 'china', 'cn', 'chn', 'prc', 'people''s republic of china') then '中国'
        else {{ code(column) }}
    end
{%- endmacro %}

{# A tier as sources write it, in the codes of the scheme; null for anything else, which is then no tier. #}
{% macro city_tier_code(column) -%}
    {%- set spellings = {
        'tier1': ['1', 'tier1', 'tier 1', '一线', '一线城市'],
        'new_tier1': ['new1', 'new_tier1', 'new tier 1', '新一线', '新一线城市'],
        'tier2': ['2', 'tier2', 'tier 2', '二线', '二线城市'],
        'tier3': ['3', 'tier3', 'tier 3', '三线', '三线城市'],
        'tier4': ['4', 'tier4', 'tier 4', '四线', '四线城市'],
        'tier5': ['5', 'tier5', 'tier 5', '五线', '五线城市'],
    } -%}
    case
        {%- for tier, written in spellings.items() %}
        when {{ code(column) }} in ('{{ written | join("', '") }}') then '{{ tier }}'
        {%- endfor %}
    end
{%- endmacro %}

{# Whether a list of policies, separated by ; or |, has one. #}
{% macro has_policy(column, policy) -%}
    list_contains(list_transform(string_split_regex({{ column }}, '[;|；]'), lambda tag: trim(tag)), '{{ policy }}')
{%- endmacro %}

{#
    CTEs of the seed city_tiers: `list_cities`, a row per city and list with its names in one spelling, and the other
    names (English, administrative code) by which sources call a listed city or province. A name two cities share is left
    out: it would be a guess.
#}
{% macro listed_city_ctes() -%}
list_cities as (
    select
        province,
        city,
        city_code,
        alias_en,
        {{ province_key('province') }} as province_key,
        {{ province_key('province_en') }} as province_en_key,
        {{ city_key('city') }} as city_key,
        {{ city_tier_code('tier') }} as city_tier,
        list_year,
        coalesce(valid_from_on, date '0001-01-01') as from_on,
        coalesce(valid_to_on, date '9999-12-31') as to_on
    from {{ ref('city_tiers') }}
),

other_names as (
    select
        city_key,
        unnest(list_append(string_split(coalesce(alias_en, ''), '|'), city_code)) as name
    from list_cities
),

city_aliases as (
    select
        {{ city_key('name') }} as alias_key,
        min(city_key) as city_key
    from other_names
    where name <> ''
    group by {{ city_key('name') }}
    having count(distinct city_key) = 1
),

province_aliases as (
    select
        province_en_key as alias_key,
        min(province_key) as province_key
    from list_cities
    where province_en_key is not null
    group by province_en_key
)
{%- endmacro %}
