select * from {{ source('zoho_crm', 'pulls') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
