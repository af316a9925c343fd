with

lines as (
    {{ versions('bench', 'lines') }}
),

-- 15 digits of cents times 0.01 stay in a 64-bit decimal; a wider product would be twice as slow to sum
renamed as (
    select
        'bench' as source,
        cast(order_id as bigint) as order_id,
        cast(line_no as bigint) as line_id,
        cast(customer_id as bigint) as customer_id,
        {{ local_time('order_ts', 'bench', 'lines') }} as ordered_at,
        cast({{ local_time('order_ts', 'bench', 'lines') }} as date) as ordered_on,
        cast(product_id as bigint) as product_id,
        cast(quantity as decimal(18, 3)) as quantity,
        {{ cents('quantity * unit_price_cents') }} as list_amount,
        {{ cents('discount_cents') }} as discount_amount,
        {{ cents('quantity * unit_price_cents - discount_cents') }} as net_amount,
        cast(null as decimal(18, 2)) as cost_amount,
        'USD' as currency,
        'completed' as status,
        channel,
        cast(null as varchar) as store_id,
        false as is_excluded,
        delivery,
        known_from_on,
        known_until_on
    from lines
    where quantity > 0
)

select * from renamed
