select * from {{ source('zoho_crm_export', 'order_items') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
