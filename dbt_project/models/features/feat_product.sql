with

as_of_dates as (
    {{ as_of_dates() }}
),

catalogue as (
    select
        as_of_dates.as_of,
        products.source,
        products.product_id,
        products.category,
        products.category_use,
        products.brand,
        products.launched_on
    from {{ ref('stg_products') }} as products
    inner join as_of_dates on {{ is_known('products', 'as_of_dates') }}
    where not products.is_gift_card
),

-- A unit before discounts, over everything sold in W, to whomever: who waits for the sale buys the same shelf. Of a
-- catalogue's list price nobody knows whether it was ever asked, nor in which currency.
sold as (
    select
        as_of_dates.as_of,
        lines.source,
        lines.product_id,
        sum(coalesce(lines.list_amount, lines.net_amount)) as list_amount,
        sum(lines.quantity) as quantity,
        sum(
            case
                when lines.ordered_on >= as_of_dates.as_of - 90 then coalesce(lines.list_amount, lines.net_amount)
            end
        ) as list_amount_90d,
        sum(lines.quantity) filter (where lines.ordered_on >= as_of_dates.as_of - 90) as quantity_90d
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of
            and lines.ordered_on >= as_of_dates.as_of - {{ var('window_days') }}
            and {{ is_known('lines', 'as_of_dates') }}
    where
        lines.quantity > 0
        and coalesce(lines.list_amount, lines.net_amount) > 0
        and {{ is_paid('lines.status') }}
        and not lines.is_excluded
    group by as_of_dates.as_of, lines.source, lines.product_id
),

priced as (
    select
        catalogue.*,
        round(cast(sold.list_amount as double) / cast(sold.quantity as double), 4) as unit_price,
        -- whole thousandths, which add up alike in any order; of a price that more than doubled it is said that it doubled
        case
            when sold.quantity_90d > 0 and sold.quantity > sold.quantity_90d
                then cast(
                        round(
                            1000 * least(
                                cast(sold.list_amount_90d as double) / cast(sold.quantity_90d as double)
                                / (
                                    cast(sold.list_amount - sold.list_amount_90d as double)
                                    / cast(sold.quantity - sold.quantity_90d as double)
                                ) - 1,
                                1
                            )
                        ) as integer
                    )
        end as price_change_90d
    from catalogue
    left join sold
        on catalogue.as_of = sold.as_of
            and catalogue.source = sold.source
            and catalogue.product_id = sold.product_id
),

-- each product counts once: a category is not cheap because its cheapest product sells best
category_prices as (
    select
        as_of,
        category,
        round(median(unit_price), 4) as category_price
    from priced
    where category is not null
    group by as_of, category
),

products as (
    select
        priced.*,
        category_prices.category_price
    from priced
    left join category_prices
        on priced.as_of = category_prices.as_of and priced.category = category_prices.category
)

select * from products
