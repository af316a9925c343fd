with

items as (
    select * from {{ ref('feat_usage_item') }}
    where uses_90d > 0
),

-- who used the product at all, counted once however many of its functions they used
active as (
    select
        as_of,
        product_id,
        count(distinct customer_id) as active_users
    from items
    group by as_of, product_id
),

used as (
    select
        as_of,
        product_id,
        feature,
        count(distinct customer_id) as users,
        sum(uses_90d) as uses
    from items
    where feature is not null
    group by as_of, product_id, feature
),

features as (
    select
        used.as_of,
        used.product_id,
        used.feature,
        used.users,
        active.active_users,
        used.uses
    from used
    inner join active on used.as_of = active.as_of and used.product_id is not distinct from active.product_id
)

select * from features
