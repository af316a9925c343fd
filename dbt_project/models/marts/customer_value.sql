{{ config(location=var('run_dir') ~ '/marts/customer_value.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as not materialized (
    select * from {{ source('scores', 'customer_value') }}
),

bases as (
    {{ marts_labels('customer_value', 'basis') }}
),

amount_bases as (
    {{ marts_labels('customer_value', 'amount_basis') }}
),

reasons as (
    {{ marts_reasons('customer_value', 'scores') }}
),

labelled as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.orders_life,
        customers.occasions_life,
        customers.gaps,
        customers.last_order_on,
        customers.recency_days,
        customers.tenure_days,
        customers.net_life,
        scores.value_basis,
        bases.label_zh as value_basis_label_zh,
        bases.label_en as value_basis_label_en,
        scores.p_alive,
        scores.expected_orders_30d,
        scores.expected_orders_90d,
        scores.expected_orders_365d,
        scores.next_order_on,
        scores.amount_basis,
        amount_bases.label_zh as amount_basis_label_zh,
        amount_bases.label_en as amount_basis_label_en,
        scores.expected_amount,
        scores.expected_revenue_30d,
        scores.expected_revenue_90d,
        scores.expected_revenue_365d,
        scores.clv,
        scores.clv_horizon_days,
        scores.discount_rate,
        scores.reason_code,
        scores.reason_params,
        reasons.reason_zh,
        reasons.reason_en,
        scores.value_version
    from customers
    left join scores
        on
            customers.customer_id = scores.customer_id
            and customers.as_of = scores.as_of
            and customers.known_on = scores.known_on
    left join bases on scores.value_basis = bases.code
    left join amount_bases on scores.amount_basis = amount_bases.code
    left join reasons
        on scores.reason_code = reasons.reason_code and scores.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
