select * from {{ source('fxiaoke_export', 'cases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
