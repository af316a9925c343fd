select * from {{ source('olist', 'order_payments') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
