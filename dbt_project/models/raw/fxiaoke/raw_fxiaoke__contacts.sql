select * from {{ source('fxiaoke', 'contacts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
