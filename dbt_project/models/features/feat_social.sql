with

as_of_dates as (
    {{ as_of_dates() }}
),

-- ln(1 + reach) in whole millionths and sentiment in whole ten-thousandths: whole numbers add up the same in any order.
-- An act of which either is unknown carries no weight of its own.
per_customer as (
    select
        as_of_dates.as_of,
        social.customer_id,
        count(*) filter (where social.action = 'share') as shares_365d,
        count(*) filter (where social.action = 'comment') as comments_365d,
        count(*) filter (where social.action = 'like') as likes_365d,
        sum(social.reach) as reach_365d,
        count(*) filter (where social.reach is not null and social.sentiment is not null) as weighed,
        sum(
            cast(round(ln(1 + social.reach) * 1000000) as bigint) * cast(social.sentiment * 10000 as bigint)
        ) as influence_sum
    from {{ ref('stg_social') }} as social
    inner join as_of_dates
        on
            social.acted_on < as_of_dates.as_of
            and social.acted_on >= as_of_dates.as_of - 365
            and {{ is_known('social', 'as_of_dates') }}
    where social.customer_id is not null
    group by as_of_dates.as_of, social.customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        {%- for count in ['shares_365d', 'comments_365d', 'likes_365d', 'reach_365d'] %}
        cast(case when delivered.has_social then coalesce(per_customer.{{ count }}, 0) end as bigint) as {{ count }},
        {%- endfor %}
        case
            when delivered.has_social and coalesce(per_customer.weighed, 1) > 0
                then round(cast(coalesce(per_customer.influence_sum, 0) as double) / 10000000000, 4)
        end as influence_points_365d
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join per_customer
        on customers.as_of = per_customer.as_of and customers.customer_id = per_customer.customer_id
)

select * from customers
order by {{ customer_order() }}
