with

lines as (
    select * from {{ ref('stg_online_retail__lines') }}
),

renamed as (
    select
        'online_retail' as source,
        invoice_id as order_id,
        line_id,
        customer_id,
        invoiced_at as ordered_at,
        invoiced_on as ordered_on,
        stock_code as product_id,
        quantity,
        amount as net_amount,
        'GBP' as currency,
        -- what was ordered is invoiced when it is sent
        'completed' as status,
        is_gift_card as is_excluded,
        delivery,
        known_from_on,
        known_until_on
    from lines
    where line_kind = 'purchase'
)

select * from renamed
