select * from {{ source('zoho_crm', 'order_items') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
