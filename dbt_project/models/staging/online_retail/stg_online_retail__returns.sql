with

lines as (
    select * from {{ ref('stg_online_retail__lines') }}
),

-- the invoice that was cancelled is not named: order_id stays null, nothing is guessed
renamed as (
    select
        'online_retail' as source,
        invoice_id || ':' || line_id as return_id,
        customer_id,
        invoiced_on as returned_on,
        -quantity as quantity,
        -amount as amount,
        delivery,
        known_from_on,
        known_until_on
    from lines
    where line_kind = 'return'
)

select * from renamed
