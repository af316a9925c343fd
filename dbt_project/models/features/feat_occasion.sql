with

order_kinds as (
    select
        as_of,
        customer_id,
        payment_method,
        work_time_orders
    from {{ ref('feat_order_kind') }}
),

paid as (
    select
        as_of,
        count(payment_method) > 0 as has_payments
    from order_kinds
    group by as_of
),

business_orders as (
    select
        order_kinds.as_of,
        order_kinds.customer_id,
        sum(order_kinds.work_time_orders) as orders
    from order_kinds
    inner join {{ ref('company_payments') }} as payments on order_kinds.payment_method = payments.payment_method
    group by order_kinds.as_of, order_kinds.customer_id
),

family_net as (
    select
        as_of,
        customer_id,
        sum(family_net_w) as net_w
    from {{ ref('feat_customer_category') }}
    where family_net_w <> 0
    group by as_of, customer_id
),

customers as (
    select
        customers.as_of,
        customers.customer_id,
        case when paid.has_payments then cast(coalesce(business_orders.orders, 0) as bigint) end as business_orders_w,
        case when delivered.has_products then cast(coalesce(family_net.net_w, 0) as decimal(18, 2)) end as family_net_w
    from {{ ref('feat_customer') }} as customers
    inner join {{ ref('feat_delivered') }} as delivered on customers.as_of = delivered.as_of
    left join paid on customers.as_of = paid.as_of
    left join business_orders
        on customers.as_of = business_orders.as_of and customers.customer_id = business_orders.customer_id
    left join family_net
        on customers.as_of = family_net.as_of and customers.customer_id = family_net.customer_id
)

select * from customers
order by {{ customer_order() }}
