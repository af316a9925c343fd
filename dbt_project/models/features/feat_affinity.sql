{{ config(materialized='view') }}

{%- set min_orders = var('min_orders_for_shares') %}
{%- set places = {'category': ['top', 'second', 'third'], 'brand': ['top']} %}

with

order_sums as (
    select
        as_of,
        customer_id,
        sum(orders) as orders
    from {{ ref('feat_order_kind') }}
    group by as_of, customer_id
),
{% for kind in ['category', 'brand'] %}
{{ kind }}_places as (
    select
        as_of,
        customer_id,
        {{ kind }},
        net_w,
        row_number() over (partition by as_of, customer_id order by net_w desc, {{ kind }} asc) as place
    from {{ ref('feat_customer_' ~ kind) }}
    where net_w > 0
),

{{ kind }}_leaders as (
    select
        as_of,
        customer_id,
        {%- for word in places[kind] %}
        max({{ kind }}) filter (where place = {{ loop.index }}) as {{ word }}_{{ kind }},
        max(net_w) filter (where place = {{ loop.index }}) as {{ word }}_net{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ kind }}_places
    where place <= {{ places[kind] | length }}
    group by as_of, customer_id
),

{{ kind }}_sums as (
    select
        as_of,
        customer_id,
        sum(net_w) as net_w,
        sum(net_w * net_w) as net_sq
        {%- if kind == 'brand' %},
        sum(orders_w) as purchases,
        count(*) as brands
        {%- endif %}
    from {{ ref('feat_customer_' ~ kind) }}
    where {{ 'true' if kind == 'brand' else 'net_w > 0' }}
    group by as_of, customer_id
),
{% endfor %}
-- how important one brand is, 1 to 5
stated as (
    select
        as_of,
        customer_id,
        attribute,
        try_cast(answer as integer) as importance
    from {{ ref('feat_survey_answer') }}
    where
        question_kind = 'importance'
        and attribute in ('brand_loyalty', 'brand')
        and age_days <= {{ var('stated_days') }}
        and try_cast(answer as integer) between 1 and 5
),

brand_answers as (
    select
        as_of,
        customer_id,
        coalesce(
            max(importance) filter (where attribute = 'brand_loyalty'),
            max(importance) filter (where attribute = 'brand')
        ) as brand_loyalty_stated
    from stated
    group by as_of, customer_id
),

brands_of_day as (
    select
        as_of,
        count(*) as brands
    from (
        select
            as_of,
            brand
        from {{ ref('feat_product') }}
        where unit_price is not null and brand is not null
        group by as_of, brand
    ) as sold
    group by as_of
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        {%- for word in places.category %}
        {%- if word != 'top' %}
        category_leaders.{{ word }}_category,
        {%- endif %}
        round(cast(category_leaders.{{ word }}_net as double) / cast(category_sums.net_w as double), 4)
            as {{ word }}_category_share,
        {%- endfor %}
        case
            when order_sums.orders >= {{ min_orders }} and category_sums.net_w > 0
                then round(cast(category_sums.net_sq as double) / pow(cast(category_sums.net_w as double), 2), 4)
        end as category_hhi,
        cast(case when delivered.has_brands then coalesce(brand_sums.brands, 0) end as bigint) as brands_w,
        cast(case when delivered.has_brands then coalesce(brand_sums.purchases, 0) end as bigint) as brand_purchases_w,
        brand_leaders.top_brand,
        {%- set enough = 'order_sums.orders >= ' ~ min_orders ~ ' and brand_sums.purchases >= ' ~ min_orders %}
        case
            when {{ enough }} and brand_sums.net_w > 0
                then round(cast(brand_leaders.top_net as double) / cast(brand_sums.net_w as double), 4)
        end as top_brand_share,
        case
            when {{ enough }} and brand_sums.net_w > 0
                then round(cast(brand_sums.net_sq as double) / pow(cast(brand_sums.net_w as double), 2), 4)
        end as brand_hhi,
        -- over what buying every brand on sale alike would give, which is a half where there are two of them
        case
            when {{ enough }} and brand_sums.net_w > 0 and brands_of_day.brands > 1
                then greatest(
                    round(
                        (
                            brands_of_day.brands * cast(brand_sums.net_sq as double) / pow(cast(brand_sums.net_w as double), 2)
                            - 1
                        ) / (brands_of_day.brands - 1),
                        4
                    ),
                    0.0
                )
        end as brand_concentration,
        case
            when {{ enough }}
                then round(
                    cast(brand_sums.purchases - brand_sums.brands as double) / cast(brand_sums.purchases - 1 as double), 4
                )
        end as brand_repeat_rate,
        brand_answers.brand_loyalty_stated
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join order_sums
        on customers.as_of = order_sums.as_of and customers.customer_id = order_sums.customer_id
    {%- for kind in ['category', 'brand'] %}
    left join {{ kind }}_leaders
        on customers.as_of = {{ kind }}_leaders.as_of and customers.customer_id = {{ kind }}_leaders.customer_id
    left join {{ kind }}_sums
        on customers.as_of = {{ kind }}_sums.as_of and customers.customer_id = {{ kind }}_sums.customer_id
    {%- endfor %}
    left join brands_of_day on customers.as_of = brands_of_day.as_of
    left join brand_answers
        on customers.as_of = brand_answers.as_of and cast(customers.customer_id as varchar) = brand_answers.customer_id
)

select * from customers
