with

uncounted_orders as (
    select
        as_of,
        source,
        order_id
    from {{ ref('feat_order') }}
    where not is_valid
)

select * from uncounted_orders
