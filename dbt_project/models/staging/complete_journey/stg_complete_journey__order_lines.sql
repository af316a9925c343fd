-- read by five models; casting 364 small files of text once costs less than five times
{{ config(materialized='table') }}

with

purchases as (
    {{ versions('complete_journey', 'purchases') }}
),

priced as (
    select
        *,
        cast(sales_value as decimal(18, 2)) as net_amount,
        cast(
            cast(sales_value as decimal(18, 2))
            + coalesce(cast({{ text('retail_disc') }} as decimal(18, 2)), 0)
            + coalesce(cast({{ text('coupon_match_disc') }} as decimal(18, 2)), 0)
            as decimal(18, 2)
        ) as list_amount,
        {{ local_time('transaction_timestamp', 'complete_journey', 'purchases') }} as ordered_at
    from purchases
),

renamed as (
    select
        'complete_journey' as source,
        cast(basket_id as bigint) as order_id,
        cast(product_id as bigint) as line_id,
        cast({{ text('household_id') }} as bigint) as customer_id,
        ordered_at,
        cast(ordered_at as date) as ordered_on,
        cast(product_id as bigint) as product_id,
        cast(quantity as decimal(18, 3)) as quantity,
        list_amount,
        cast(list_amount - net_amount as decimal(18, 2)) as discount_amount,
        net_amount,
        cast(null as decimal(18, 2)) as cost_amount,
        'USD' as currency,
        -- the extract holds sales that were paid at the till, and nothing else
        'completed' as status,
        'store' as channel,
        {{ text('store_id') }} as store_id,
        false as is_excluded,
        delivery,
        known_from_on,
        known_until_on
    from priced
)

select * from renamed
