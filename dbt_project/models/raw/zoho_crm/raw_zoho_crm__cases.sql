select * from {{ source('zoho_crm', 'cases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
