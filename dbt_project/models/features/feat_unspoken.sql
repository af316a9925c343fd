{{ config(materialized='table') }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- what was looked for and is not there
vain_searches as (
    select
        as_of_dates.as_of,
        searches.customer_id,
        'search_without_result' as evidence_kind,
        {{ code('searches.query') }} as subject,
        count(*) as times
    from {{ ref('stg_web_events') }} as searches
    inner join as_of_dates
        on
            searches.event_on < as_of_dates.as_of
            and searches.event_on >= as_of_dates.as_of - {{ var('unspoken_days') }}
            and {{ is_known('searches', 'as_of_dates') }}
    where
        searches.event = 'search'
        and searches.result_count = 0
        and searches.customer_id is not null
        and {{ code('searches.query') }} is not null
    group by as_of_dates.as_of, searches.customer_id, subject
),

-- who looked in the last 30 days may still buy
views as (
    select
        as_of_dates.as_of,
        views.source,
        views.customer_id,
        views.product_id,
        count(*) as times,
        min(views.event_on) as first_viewed_on,
        max(views.event_on) as last_viewed_on
    from {{ ref('stg_web_events') }} as views
    inner join as_of_dates
        on
            views.event_on < as_of_dates.as_of - 30
            and views.event_on >= as_of_dates.as_of - 30 - {{ var('unspoken_days') }}
            and {{ is_known('views', 'as_of_dates') }}
    where views.event = 'product_view' and views.customer_id is not null and views.product_id is not null
    group by as_of_dates.as_of, views.source, views.customer_id, views.product_id
    having count(*) >= 2
),

bought as (
    select
        views.as_of,
        views.source,
        views.customer_id,
        views.product_id
    from views
    inner join as_of_dates on views.as_of = as_of_dates.as_of
    inner join {{ ref('stg_order_lines') }} as lines
        on
            views.source = lines.source
            and views.customer_id = lines.customer_id
            and views.product_id = lines.product_id
            and lines.ordered_on >= views.first_viewed_on
            and lines.ordered_on <= views.last_viewed_on + 30
            and {{ is_known('lines', 'as_of_dates') }}
    anti join {{ ref('feat_order_uncounted') }} as uncounted
        on views.as_of = uncounted.as_of and lines.source = uncounted.source and lines.order_id = uncounted.order_id
    group by views.as_of, views.source, views.customer_id, views.product_id
),

categories as (
    select
        as_of_dates.as_of,
        products.source,
        products.product_id,
        products.category
    from {{ ref('stg_products') }} as products
    inner join as_of_dates on {{ is_known('products', 'as_of_dates') }}
    where products.category is not null
),

unbought_views as (
    select
        views.as_of,
        views.customer_id,
        'viewed_not_bought' as evidence_kind,
        categories.category as subject,
        sum(views.times) as times
    from views
    anti join bought
        on
            views.as_of = bought.as_of
            and views.source = bought.source
            and views.customer_id = bought.customer_id
            and views.product_id = bought.product_id
    inner join categories
        on
            views.as_of = categories.as_of
            and views.source = categories.source
            and views.product_id = categories.product_id
    group by views.as_of, views.customer_id, categories.category
),

evidence as (
    select * from vain_searches
    union all
    select * from unbought_views
)

select
    as_of,
    customer_id,
    evidence_kind,
    subject,
    cast(times as bigint) as times
from evidence
