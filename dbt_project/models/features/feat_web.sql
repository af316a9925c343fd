with

as_of_dates as (
    {{ as_of_dates() }}
),

items as (
    select * from {{ ref('feat_web_item') }}
),

-- two looks at one item are a closer look; one may be chance
per_customer as (
    select
        as_of,
        customer_id,
        sum(views_30d) as views_30d,
        sum(awareness_steps_30d) as awareness_steps_30d,
        sum(searches_30d + views_30d) as cognition_steps_30d,
        sum(compares_30d) + count(*) filter (where product_id is not null and views_30d >= 2)
            as consideration_steps_30d,
        sum(decision_steps_30d) as decision_steps_30d
    from items
    group by as_of, customer_id
),

viewed as (
    select
        as_of,
        customer_id,
        product_id,
        views_90d,
        first_viewed_on
    from items
    where product_id is not null and views_90d > 0
),

categories_viewed as (
    select
        viewed.as_of,
        viewed.customer_id,
        products.category,
        sum(viewed.views_90d) as views_90d
    from viewed
    inner join as_of_dates on viewed.as_of = as_of_dates.as_of
    inner join {{ ref('stg_products') }} as products
        on viewed.product_id = products.product_id and {{ is_known('products', 'as_of_dates') }}
    where products.category is not null
    group by viewed.as_of, viewed.customer_id, products.category
),

-- among categories looked at as often the first in the alphabet
top_categories as (
    select
        as_of,
        customer_id,
        first(category order by views_90d desc, category asc) as top_viewed_category
    from categories_viewed
    group by as_of, customer_id
),

-- lines of valid orders in the same 90 days, the last of each product
bought as (
    select
        as_of_dates.as_of,
        lines.customer_id,
        lines.product_id,
        max(lines.ordered_on) as last_bought_on
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on
            lines.ordered_on < as_of_dates.as_of
            and lines.ordered_on >= as_of_dates.as_of - 90
            and {{ is_known('lines', 'as_of_dates') }}
    anti join {{ ref('feat_order_uncounted') }} as uncounted
        on
            as_of_dates.as_of = uncounted.as_of
            and lines.source = uncounted.source
            and lines.order_id = uncounted.order_id
    where lines.customer_id is not null
    group by as_of_dates.as_of, lines.customer_id, lines.product_id
),

views_to_buys as (
    select
        viewed.as_of,
        viewed.customer_id,
        round(
            cast(count(*) filter (where bought.last_bought_on >= viewed.first_viewed_on) as double) / count(*), 4
        ) as view_to_buy
    from viewed
    left join bought
        on
            viewed.as_of = bought.as_of
            and viewed.customer_id = bought.customer_id
            and viewed.product_id = bought.product_id
    group by viewed.as_of, viewed.customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        {%- for count in [
            'views_30d', 'awareness_steps_30d', 'cognition_steps_30d', 'consideration_steps_30d',
            'decision_steps_30d',
        ] %}
        cast(case when delivered.has_web_events then coalesce(per_customer.{{ count }}, 0) end as bigint)
            as {{ count }},
        {%- endfor %}
        top_categories.top_viewed_category,
        views_to_buys.view_to_buy
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_customer
        on customers.as_of = per_customer.as_of and customers.customer_id = per_customer.customer_id
    left join top_categories
        on customers.as_of = top_categories.as_of and customers.customer_id = top_categories.customer_id
    left join views_to_buys
        on customers.as_of = views_to_buys.as_of and customers.customer_id = views_to_buys.customer_id
)

select * from customers
order by {{ customer_order() }}
