select * from {{ source('zoho_crm', 'deals') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
