select * from {{ source('zoho_crm_export', 'cases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
