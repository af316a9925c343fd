{{ config(materialized='view') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- every list price that was told of a product by then, with the day it held from
prices as (
    select
        as_of_dates.as_of,
        products.source,
        products.product_id,
        coalesce(products.valid_from_on, products.known_from_on) as priced_on,
        max(products.list_price) as list_price
    from {{ ref('stg_products') }} as products
    inner join as_of_dates on products.known_from_on <= as_of_dates.known_on
    where
        products.list_price is not null
        and coalesce(products.valid_from_on, products.known_from_on) < as_of_dates.as_of
    group by as_of_dates.as_of, products.source, products.product_id, priced_on
),

steps as (
    select
        *,
        lag(list_price) over (partition by as_of, source, product_id order by priced_on) as price_before
    from prices
),

rises as (
    select
        as_of,
        source,
        product_id,
        max(priced_on) as rose_on
    from steps
    where list_price > price_before and priced_on >= as_of - 365
    group by as_of, source, product_id
),

looked_at as (
    select
        rises.as_of,
        rises.source,
        rises.product_id,
        views.customer_id,
        rises.rose_on,
        min(views.event_on) as viewed_on
    from {{ ref('stg_web_events') }} as views
    inner join rises
        on
            views.source = rises.source
            and views.product_id = rises.product_id
            and views.event_on >= rises.rose_on
            and views.event_on < rises.as_of
    inner join as_of_dates on rises.as_of = as_of_dates.as_of and {{ is_known('views', 'as_of_dates') }}
    where views.event = 'product_view' and views.customer_id is not null
    group by rises.as_of, rises.source, rises.product_id, views.customer_id, rises.rose_on
),

bought as (
    select
        looked_at.as_of,
        looked_at.source,
        looked_at.product_id,
        looked_at.customer_id,
        bool_or(lines.ordered_on < looked_at.rose_on) as is_own,
        bool_or(lines.ordered_on >= looked_at.viewed_on) as is_bought_again
    from looked_at
    inner join as_of_dates on looked_at.as_of = as_of_dates.as_of
    inner join {{ ref('stg_order_lines') }} as lines
        on
            looked_at.source = lines.source
            and looked_at.customer_id = lines.customer_id
            and looked_at.product_id = lines.product_id
            and lines.ordered_on < looked_at.as_of
            and {{ is_known('lines', 'as_of_dates') }}
    anti join {{ ref('feat_order_uncounted') }} as uncounted
        on looked_at.as_of = uncounted.as_of and lines.source = uncounted.source and lines.order_id = uncounted.order_id
    group by looked_at.as_of, looked_at.source, looked_at.product_id, looked_at.customer_id
),

-- only what a customer had bought before it became dearer tells of the price
per_customer as (
    select
        as_of,
        customer_id,
        round(cast(count(*) filter (where not is_bought_again) as double) / count(*), 4) as unbought_after_rise_share
    from bought
    where is_own
    group by as_of, customer_id
)

select * from per_customer
