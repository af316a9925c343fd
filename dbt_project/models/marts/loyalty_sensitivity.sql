-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/loyalty_sensitivity.parquet') }}

{#- the places of bands_by_weight and the bands as its digits: CHANGES and GROUPS of the scheme's module -#}
{%- set parts = ['frequency', 'regularity', 'concentration', 'referral', 'feedback', 'stated'] %}
{%- set bands = ['loyal', 'inclined', 'average', 'low', 'unknown'] %}

with

scores as (
    select
        case segment
            {%- for band in bands %}
            when '{{ band }}' then {{ loop.index0 }}
            {%- endfor %}
        end as band,
        bands_by_weight
    from {{ source('scores', 'loyalty') }}
),

-- few combinations, however many customers
combinations as (
    select
        band,
        bands_by_weight,
        count(*) as customers
    from scores
    group by band, bands_by_weight
),

moved as (
    {%- for part in parts %}
    {%- set place = loop.index0 %}
    {%- for change in ['lower', 'higher'] %}
    select
        '{{ part }}' as part,
        '{{ change }}' as weight_change,
        band,
        (bands_by_weight >> {{ 3 * (2 * place + loop.index0) }}) & 7 as other_band,
        customers
    from combinations
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        part,
        weight_change,
        sum(customers) as customers,
        sum(customers) filter (where band < 4) as known_customers,
        coalesce(sum(customers) filter (where band <> other_band), 0) as moved_customers,
        coalesce(sum(customers) filter (where other_band < band and band < 4), 0) as up_customers,
        coalesce(sum(customers) filter (where other_band > band and other_band < 4), 0) as down_customers,
        coalesce(sum(customers) filter (where (band = 4) <> (other_band = 4)), 0) as known_or_not_customers
    from moved
    group by part, weight_change
),

parts as (
    {{ marts_labels('loyalty', 'part') }}
),

changes as (
    {{ marts_labels('loyalty', 'weight_change') }}
),

labelled as (
    select
        counted.part,
        counted.weight_change,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        parts.label_zh as part_label_zh,
        parts.label_en as part_label_en,
        changes.label_zh as weight_change_label_zh,
        changes.label_en as weight_change_label_en,
        cast(counted.customers as bigint) as customers,
        cast(coalesce(counted.known_customers, 0) as bigint) as known_customers,
        cast(counted.moved_customers as bigint) as moved_customers,
        cast(counted.up_customers as bigint) as up_customers,
        cast(counted.down_customers as bigint) as down_customers,
        cast(counted.known_or_not_customers as bigint) as known_or_not_customers,
        cast(
            round(cast(counted.moved_customers as double) / nullif(cast(counted.known_customers as double), 0), 6)
            as decimal(18, 6)
        ) as moved_share
    from counted
    left join parts on counted.part = parts.code
    left join changes on counted.weight_change = changes.code
)

select * from labelled
order by part, weight_change
