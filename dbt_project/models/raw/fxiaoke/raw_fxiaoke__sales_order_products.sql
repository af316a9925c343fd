select * from {{ source('fxiaoke', 'sales_order_products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
