-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
with

as_of_dates as (
    {{ as_of_dates() }}
),

told as (
    select
        as_of_dates.as_of,
        market.source,
        market.year,
        coalesce(market.region, '') as region,
        coalesce(market.category, '') as category,
        market.competitor,
        market.market_size,
        market.share,
        market.growth,
        market.target_population,
        market.category_penetration,
        market.annual_spend,
        market.reference
    from {{ ref('stg_market') }} as market
    inner join as_of_dates on {{ is_known('market', 'as_of_dates') }}
),

-- of two sources that tell of one market the first by name is read, whole: terms of two reports do not multiply
markets as (
    select *
    from told
    where competitor is null
    qualify row_number() over (partition by as_of, year, region, category order by source asc, reference asc) = 1
),

growths as (
    select
        as_of,
        year,
        region,
        category,
        growth,
        reference
    from told
    where competitor is null and growth is not null
),

-- growth rates of the year and the years before it, of every report
growth_ranges as (
    select
        markets.as_of,
        markets.year,
        markets.region,
        markets.category,
        round(cast(sum(growths.growth) as double) / count(*), 6) as growth_mean,
        min(growths.growth) as growth_low,
        max(growths.growth) as growth_high,
        count(*) as growth_rates
    from markets
    inner join growths
        on markets.as_of = growths.as_of
            and markets.region = growths.region
            and markets.category = growths.category
            and markets.year >= growths.year
    group by markets.as_of, markets.year, markets.region, markets.category
),

-- two reports on one rival do not make two rivals
rivals as (
    select
        as_of,
        year,
        region,
        category,
        competitor,
        round(cast(sum(share) as double) / count(*), 6) as share
    from told
    where competitor is not null and share is not null
    group by as_of, year, region, category, competitor
),

rivalries as (
    select
        as_of,
        year,
        region,
        category,
        count(*) as competitors,
        max(share) as largest_competitor_share,
        sum(cast(share as decimal(9, 6))) as competitors_share,
        sum(cast(cast(share as decimal(9, 6)) * cast(share as decimal(9, 6)) as decimal(18, 12)))
            as competitors_share_sq
    from rivals
    group by as_of, year, region, category
),

-- own sales are only looked for where a market tells a category and a year
asked as (
    select
        as_of,
        year,
        category
    from markets
    group by as_of, year, category
),

products as (
    select
        products.as_of,
        products.source,
        products.product_id,
        products.category
    from {{ ref('feat_product') }} as products
    where products.category in (select category from asked)
),

lines as (
    select
        as_of_dates.as_of,
        lines.source,
        lines.order_id,
        lines.line_id,
        asked.year,
        asked.category,
        lines.net_amount
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of and {{ is_known('lines', 'as_of_dates') }}
    inner join products
        on as_of_dates.as_of = products.as_of
            and lines.source = products.source
            and lines.product_id = products.product_id
    inner join asked
        on as_of_dates.as_of = asked.as_of
            and products.category = asked.category
            and year(lines.ordered_on) = asked.year
),

counted_lines as (
    select lines.*
    from lines
    anti join {{ ref('feat_order_uncounted') }} as uncounted
        on lines.as_of = uncounted.as_of and lines.source = uncounted.source and lines.order_id = uncounted.order_id
),

lines_returned as (
    select
        as_of_dates.as_of,
        returns.source,
        returns.order_id,
        returns.line_id,
        cast(sum(returns.amount) as decimal(18, 2)) as returned_amount
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on returns.returned_on < as_of_dates.as_of and {{ is_known('returns', 'as_of_dates') }}
    where returns.order_id is not null and returns.line_id is not null
    group by as_of_dates.as_of, returns.source, returns.order_id, returns.line_id
),

sold as (
    select
        counted_lines.as_of,
        counted_lines.source,
        counted_lines.order_id,
        counted_lines.year,
        counted_lines.category,
        cast(sum(counted_lines.net_amount - coalesce(lines_returned.returned_amount, 0)) as decimal(18, 2))
            as net_amount
    from counted_lines
    left join lines_returned
        on counted_lines.as_of = lines_returned.as_of
            and counted_lines.source = lines_returned.source
            and counted_lines.order_id = lines_returned.order_id
            and counted_lines.line_id = lines_returned.line_id
    group by
        counted_lines.as_of, counted_lines.source, counted_lines.order_id, counted_lines.year, counted_lines.category
),

headers as (
    select
        as_of_dates.as_of,
        headers.source,
        headers.order_id,
        headers.city
    from {{ ref('stg_orders') }} as headers
    inner join as_of_dates
        on headers.ordered_on < as_of_dates.as_of and {{ is_known('headers', 'as_of_dates') }}
    where headers.city is not null
),

sold_in as (
    select
        sold.as_of,
        sold.year,
        sold.category,
        headers.city as sent_city,
        cast(sum(sold.net_amount) as decimal(18, 2)) as net_amount
    from sold
    left join headers
        on sold.as_of = headers.as_of and sold.source = headers.source and sold.order_id = headers.order_id
    group by sold.as_of, sold.year, sold.category, headers.city
),

placed as (
    select
        sold_in.*,
        places.country_key,
        places.province_key,
        places.city_key
    from sold_in
    left join {{ ref('feat_place') }} as places
        on sold_in.as_of = places.as_of
            and sold_in.sent_city = places.sent_city
            and places.sent_country = ''
            and places.sent_province = ''
),

spelt as (
    select
        *,
        coalesce({{ code('region') }} in ('全国', '全部', 'all', 'national', 'nationwide'), true) as is_everywhere,
        {{ country_key('region') }} as country_key,
        {{ province_key('region') }} as province_key,
        {{ city_key('region') }} as city_key
    from markets
),

-- a market of a region is compared with what was sold there: unknown while no order of the category tells a city
compared as (
    select
        spelt.as_of,
        spelt.year,
        spelt.region,
        spelt.category,
        spelt.is_everywhere,
        placed.net_amount,
        placed.city_key is not null as is_placed,
        coalesce(
            placed.country_key = spelt.country_key
            or placed.province_key = spelt.province_key
            or placed.city_key = spelt.city_key,
            false
        ) as is_there
    from spelt
    inner join placed
        on spelt.as_of = placed.as_of and spelt.year = placed.year and spelt.category = placed.category
),

own_sums as (
    select
        as_of,
        year,
        region,
        category,
        is_everywhere,
        bool_or(is_placed) as has_places,
        sum(net_amount) as net_amount,
        coalesce(sum(net_amount) filter (where is_there), 0) as there_net,
        sum(net_amount) filter (where is_placed) as placed_net
    from compared
    group by as_of, year, region, category, is_everywhere
),

own as (
    select
        as_of,
        year,
        region,
        category,
        cast(
            case
                when is_everywhere then net_amount
                when has_places then there_net
            end as decimal(18, 2)
        ) as own_net,
        round(cast(placed_net as double) / nullif(cast(net_amount as double), 0), 4) as placed_share
    from own_sums
),

sized as (
    select
        spelt.as_of,
        spelt.year,
        spelt.region,
        spelt.category,
        spelt.is_everywhere,
        spelt.source,
        spelt.reference,
        spelt.target_population,
        spelt.category_penetration,
        spelt.annual_spend,
        cast(
            spelt.target_population * spelt.category_penetration * spelt.annual_spend as decimal(18, 2)
        ) as capacity,
        spelt.market_size,
        own.own_net,
        case when own.own_net is not null then case when spelt.is_everywhere then 1.0 else own.placed_share end end
            as own_net_coverage,
        growth_ranges.growth_mean,
        growth_ranges.growth_low,
        growth_ranges.growth_high,
        coalesce(growth_ranges.growth_rates, 0) as growth_rates,
        rivalries.competitors,
        rivalries.largest_competitor_share,
        rivalries.competitors_share,
        rivalries.competitors_share_sq
    from spelt
    left join own
        on spelt.as_of = own.as_of
            and spelt.year = own.year
            and spelt.region = own.region
            and spelt.category = own.category
    left join growth_ranges
        on spelt.as_of = growth_ranges.as_of
            and spelt.year = growth_ranges.year
            and spelt.region = growth_ranges.region
            and spelt.category = growth_ranges.category
    left join rivalries
        on spelt.as_of = rivalries.as_of
            and spelt.year = rivalries.year
            and spelt.region = rivalries.region
            and spelt.category = rivalries.category
)

select * from sized
