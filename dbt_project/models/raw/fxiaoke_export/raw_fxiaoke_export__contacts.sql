select * from {{ source('fxiaoke_export', 'contacts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
