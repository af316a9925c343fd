{{ config(materialized='view', tags=['training']) }}

with

as_of_dates as (
    {{ as_of_dates() }}
),

horizons as (
    select
        as_of,
        as_of + {{ churn_horizon_days() }} as ends_on,
        as_of + {{ churn_horizon_days() }} <= {{ day_of_labels() }} as has_passed
    from as_of_dates
),

-- orders as they count on the day of labels: what was paid for then and has not come back since
orders as (
    select
        customer_id,
        ordered_on
    from {{ orders_of_labels() }}
    where as_of = {{ day_of_labels() }} and is_valid and customer_id is not null
),

bought as (
    select
        horizons.as_of,
        orders.customer_id,
        min(orders.ordered_on) as ordered_on
    from orders
    inner join horizons
        on orders.ordered_on >= horizons.as_of
            and orders.ordered_on < horizons.ends_on
    where horizons.has_passed
    group by horizons.as_of, orders.customer_id
),

labels as (
    select
        customers.as_of,
        customers.customer_id,
        case when horizons.has_passed then bought.ordered_on is null end as is_churned
    from {{ ref('feat_customer') }} as customers
    inner join horizons on customers.as_of = horizons.as_of
    left join bought
        on customers.as_of = bought.as_of and customers.customer_id = bought.customer_id
)

select * from labels
