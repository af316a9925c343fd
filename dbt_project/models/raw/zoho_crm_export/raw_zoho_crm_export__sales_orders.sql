select * from {{ source('zoho_crm_export', 'sales_orders') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
