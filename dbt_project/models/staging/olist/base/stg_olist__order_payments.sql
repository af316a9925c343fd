with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

order_payments as (
    {{ versions('olist', 'order_payments') }}
),

renamed as (
    select
        {{ text('order_id') }} as order_id,
        cast(payment_sequential as integer) as payment_number,
        -- not_defined stands where nobody knows how a cancelled order would have been paid
        nullif(lower({{ text('payment_type') }}), 'not_defined') as payment_method,
        cast({{ text('payment_installments') }} as integer) as installments,
        cast(payment_value as decimal(18, 2)) as paid_amount,
        dumps.known_from_on,
        dumps.known_until_on
    from order_payments
    inner join dumps
        on order_payments.known_from_on <= dumps.known_from_on and order_payments.known_until_on > dumps.known_from_on
)

select * from renamed
