-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/segment_attractiveness.parquet') }}

{#- definitions part 8, section 17 -#}
{%- set weights = {'size': 0.30, 'growth': 0.25, 'spend': 0.30, 'competition': 0.15} %}

with

profiles as (
    select * from {{ ref('segment_profile') }}
),

-- everybody of a segment, whenever their first order was
trends as (
    select
        scheme,
        segment_code,
        month,
        active_customers,
        active_customers_year_before,
        net_amount
    from {{ ref('segment_trend') }}
    where cohort = 'all'
),

span as (
    select
        cast(
            min(case when active_customers_year_before is null then month else month - interval 12 month end) as date
        ) as first_month,
        cast(date_trunc('month', {{ marts_as_of() }}) - interval 12 month as date) as year_from
    from trends
),

-- the last twelve complete months, each only if the month a year before is known and is not the first one
-- there is, which may have begun in its middle
months as (
    select
        trends.scheme,
        trends.segment_code,
        trends.active_customers,
        trends.net_amount,
        trends.month >= span.year_from as is_now,
        case
            when trends.month >= span.year_from then cast(trends.month - interval 12 month as date)
            else trends.month
        end > span.first_month as is_compared
    from trends
    cross join span
    where trends.month >= span.year_from - interval 12 month
),

grown as (
    select
        scheme,
        segment_code,
        sum(active_customers) filter (where is_now) as active_now,
        sum(active_customers) filter (where not is_now) as active_before,
        sum(net_amount) filter (where is_now) as net_now,
        sum(net_amount) filter (where not is_now) as net_before
    from months
    where is_compared
    group by scheme, segment_code
),

-- what rivals hold of each category in the newest year told, over the regions by their size
rivals as (
    select
        category,
        cast(
            round(cast(sum(competitors_share * market_size) as double) / nullif(sum(market_size), 0), 6) as decimal(9, 6)
        ) as competitors_share
    from {{ ref('market_size') }}
    where
        competitors_share is not null
        and market_size is not null
    group by category, year
    qualify row_number() over (partition by category order by year desc) = 1
),

competed as (
    select
        bought.scheme,
        bought.segment_code,
        sum(bought.net_w * rivals.competitors_share) as rivals_net,
        sum(bought.net_w) filter (where rivals.category is not null) as told_net,
        sum(bought.net_w) as net_w
    from {{ ref('segment_category') }} as bought
    left join rivals on bought.category = rivals.category
    group by bought.scheme, bought.segment_code
),

-- a group nobody is in, and one that only says nothing is known, is no target
measured as (
    select
        profiles.scheme,
        profiles.segment_code,
        cast(profiles.customers as double) as size,
        case
            when grown.active_before > 0 then round(cast(grown.active_now as double) / grown.active_before - 1, 4)
        end as growth_customers,
        case
            when grown.net_before > 0
                then round(cast(grown.net_now as double) / cast(grown.net_before as double) - 1, 4)
        end as growth_net,
        round(cast(profiles.net_w as double) / profiles.customers, 2) as spend,
        -- of less than half the money too little is known
        case
            when 2 * competed.told_net >= competed.net_w
                then round(cast(competed.rivals_net as double) / cast(competed.told_net as double), 4)
        end as competition,
        round(cast(coalesce(competed.told_net, 0) as double) / nullif(cast(competed.net_w as double), 0), 4)
            as competition_coverage
    from profiles
    left join grown on profiles.scheme = grown.scheme and profiles.segment_code = grown.segment_code
    left join competed on profiles.scheme = competed.scheme and profiles.segment_code = competed.segment_code
    where profiles.customers > 0 and profiles.segment_code <> 'unknown'
),

with_growth as (
    select
        *,
        round((growth_customers + growth_net) / 2, 4) as growth
    from measured
),

-- mid-ranks among the segments of the scheme that have the number; less competition is better
ranked as (
    select
        *,
        {%- for part in weights %}
        {%- set direction = 'desc' if part == 'competition' else 'asc' %}
        case
            when {{ part }} is not null
                then (
                    2 * (rank() over (partition by scheme, {{ part }} is null order by {{ part }} {{ direction }}) - 1)
                    + count(*) over (partition by scheme, {{ part }})
                ) / (2.0 * count({{ part }}) over (partition by scheme))
        end as {{ part }}_p{{ ',' if not loop.last }}
        {%- endfor %}
    from with_growth
),

judged as (
    select
        *,
        {%- for part, weight in weights.items() %}
        {{ '+ ' if not loop.first }}case when {{ part }}_p is null then 0 else {{ weight }} end
        {%- endfor %} as coverage,
        {%- for part, weight in weights.items() %}
        {{ '+ ' if not loop.first }}coalesce({{ weight }} * cast({{ part }}_p as double), 0)
        {%- endfor %} as points
    from ranked
),

told as (
    select
        profiles.scheme,
        profiles.segment_code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        profiles.label_zh,
        profiles.label_en,
        profiles.customers,
        cast(judged.growth_customers as decimal(18, 4)) as growth_customers,
        cast(judged.growth_net as decimal(18, 4)) as growth_net,
        cast(judged.growth as decimal(18, 4)) as growth,
        cast(judged.spend as decimal(18, 2)) as spend,
        cast(judged.competition as decimal(9, 4)) as competition,
        cast(judged.competition_coverage as decimal(9, 4)) as competition_coverage,
        {%- for part in weights %}
        cast(round(cast(judged.{{ part }}_p as double), 4) as decimal(9, 4)) as {{ part }}_p,
        {%- endfor %}
        cast(round(100 * judged.points / judged.coverage, 2) as decimal(5, 2)) as attractiveness,
        cast(coalesce(judged.coverage, 0) as decimal(4, 2)) as coverage
    from profiles
    left join judged on profiles.scheme = judged.scheme and profiles.segment_code = judged.segment_code
),

recommended as (
    select
        *,
        cast(
            case
                when attractiveness is not null
                    then rank() over (partition by scheme, attractiveness is null order by attractiveness desc)
            end as integer
        ) as recommended
    from told
)

select * from recommended
order by scheme, segment_code
