select * from {{ source('fxiaoke_export', 'sales_orders') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
