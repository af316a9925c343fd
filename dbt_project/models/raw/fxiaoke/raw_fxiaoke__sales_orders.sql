select * from {{ source('fxiaoke', 'sales_orders') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
