select * from {{ source('zoho_crm_export', 'contacts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
