select * from {{ source('olist', 'order_items') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
