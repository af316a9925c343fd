with

lines as (
    {{ versions('bench', 'lines') }}
),

-- a return is a document of its own here and does not say which order it undoes
renamed as (
    select
        'bench' as source,
        concat_ws('-', order_id, line_no) as return_id,
        cast(customer_id as bigint) as customer_id,
        cast(null as bigint) as order_id,
        cast(null as bigint) as line_id,
        cast({{ local_time('order_ts', 'bench', 'lines') }} as date) as returned_on,
        cast(-quantity as decimal(18, 3)) as quantity,
        {{ cents('discount_cents - quantity * unit_price_cents') }} as amount,
        cast(null as varchar) as reason_code,
        delivery,
        known_from_on,
        known_until_on
    from lines
    where quantity < 0
)

select * from renamed
