select * from {{ source('zoho_crm_export', 'deals') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
