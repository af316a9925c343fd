select * from {{ source('fxiaoke', 'cases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
