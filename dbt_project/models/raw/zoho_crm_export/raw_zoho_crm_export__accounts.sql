select * from {{ source('zoho_crm_export', 'accounts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
