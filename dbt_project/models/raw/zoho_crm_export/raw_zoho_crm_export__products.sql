select * from {{ source('zoho_crm_export', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
