select * from {{ source('zoho_crm', 'contacts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
