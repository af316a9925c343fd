select * from {{ source('fxiaoke_export', 'sales_order_products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
