{{ config(location=var('run_dir') ~ '/marts/market_size.parquet') }}

with

markets as (
    select *
    from {{ ref('feat_market') }}
    where as_of = {{ marts_as_of() }}
),

-- a share of a year that is not over would say too little
judged as (
    select
        *,
        make_date(year + 1, 1, 1) <= {{ marts_as_of() }} as is_year_complete
    from markets
),

sized as (
    select
        cast(year as integer) as year,
        region,
        category,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        source,
        reference,
        target_population,
        category_penetration,
        annual_spend,
        capacity,
        market_size,
        own_net,
        cast(own_net_coverage as double) as own_net_coverage,
        is_year_complete,
        cast(case when is_year_complete then round(own_net / nullif(capacity, 0), 6) end as decimal(18, 6)) as share,
        cast(case when is_year_complete then round(own_net / nullif(market_size, 0), 6) end as decimal(18, 6))
            as share_of_stated,
        cast(growth_mean as double) as growth_mean,
        cast(growth_low as decimal(6, 5)) as growth_low,
        cast(growth_high as decimal(6, 5)) as growth_high,
        growth_rates,
        competitors,
        cast(largest_competitor_share as double) as largest_competitor_share,
        cast(competitors_share as decimal(18, 6)) as competitors_share,
        cast(round(competitors_share_sq, 6) as decimal(18, 6)) as competitors_hhi
    from judged
)

select * from sized
order by year, region, category
