select * from {{ source('zoho_crm', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
