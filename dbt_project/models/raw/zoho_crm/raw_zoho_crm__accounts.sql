select * from {{ source('zoho_crm', 'accounts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
