-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{%- set min_orders = var('min_orders_for_shares') %}
{%- set bands = hour_bands() %}

with

order_sums as (
    select
        as_of,
        customer_id,
        sum(orders) as orders,
        sum(weekend_orders) as weekend_orders,
        sum(timed_orders) as timed_orders,
        {%- for band in bands %}
        sum({{ band }}_orders) as {{ band }}_orders{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('feat_order_kind') }}
    group by as_of, customer_id
),
{% for kind in ['channel', 'payment_method', 'delivery_method'] %}
{{ kind }}_orders as (
    select
        as_of,
        customer_id,
        {{ kind }},
        sum(orders) as orders
    from {{ ref('feat_order_kind') }}
    where {{ kind }} is not null
    group by as_of, customer_id, {{ kind }}
),

{{ kind }}_places as (
    select
        *,
        row_number() over (partition by as_of, customer_id order by orders desc, {{ kind }} asc) as place
    from {{ kind }}_orders
),

{{ kind }}_leaders as (
    select
        as_of,
        customer_id,
        max({{ kind }}) filter (where place = 1) as leader,
        max(orders) filter (where place = 1) as leader_orders,
        max(orders) filter (where place = 2) as second_orders
    from {{ kind }}_places
    where place <= 2
    group by as_of, customer_id
),
{% endfor %}
-- logarithms in millionths are whole numbers, and add up the same in any order
channel_sums as (
    select
        as_of,
        customer_id,
        sum(orders) as orders,
        sum(cast(round(1000000 * orders * log2(orders)) as bigint)) as orders_log2_sum,
        coalesce(sum(orders) filter (where channel = 'unmapped'), 0) as unmapped_orders
    from channel_orders
    group by as_of, customer_id
),

-- where two channels, payments or deliveries lead together none is preferred
customers as (
    select
        customers.as_of,
        customers.customer_id,
        cast(coalesce(order_sums.timed_orders, 0) as bigint) as timed_orders_w,
        {%- for band in bands %}
        case
            when order_sums.timed_orders >= {{ min_orders }}
                then round(cast(order_sums.{{ band }}_orders as double) / cast(order_sums.timed_orders as double), 4)
        end as share_{{ band }},
        {%- endfor %}
        case
            when order_sums.orders >= {{ min_orders }}
                then round(cast(order_sums.weekend_orders as double) / cast(order_sums.orders as double), 4)
        end as weekend_share,
        cast(coalesce(channel_sums.orders, 0) as bigint) as channel_orders_w,
        cast(coalesce(channel_sums.unmapped_orders, 0) as bigint) as unmapped_channel_orders_w,
        case when channel_leaders.leader_orders > coalesce(channel_leaders.second_orders, 0) then channel_leaders.leader end
            as preferred_channel,
        case
            when channel_sums.orders >= {{ min_orders }}
                then round(cast(channel_leaders.leader_orders as double) / cast(channel_sums.orders as double), 4)
        end as preferred_channel_share,
        case
            when channel_sums.orders >= {{ min_orders }}
                -- + 0.0 turns the -0.0 of rounding into 0.0
                then round(
                    log2(channel_sums.orders)
                    - cast(channel_sums.orders_log2_sum as double) / (1000000.0 * cast(channel_sums.orders as double)),
                    4
                ) + 0.0
        end as channel_entropy,
        {%- for kind in ['payment', 'delivery'] %}
        case
            when
                order_sums.orders >= {{ min_orders }}
                and {{ kind }}_method_leaders.leader_orders > coalesce({{ kind }}_method_leaders.second_orders, 0)
                then {{ kind }}_method_leaders.leader
        end as preferred_{{ kind }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('feat_customer') }} as customers
    left join order_sums
        on customers.as_of = order_sums.as_of and customers.customer_id = order_sums.customer_id
    left join channel_sums
        on customers.as_of = channel_sums.as_of and customers.customer_id = channel_sums.customer_id
    {%- for kind in ['channel', 'payment_method', 'delivery_method'] %}
    left join {{ kind }}_leaders
        on customers.as_of = {{ kind }}_leaders.as_of and customers.customer_id = {{ kind }}_leaders.customer_id
    {%- endfor %}
)

select * from customers
order by {{ customer_order() }}
