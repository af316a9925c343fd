select * from {{ source('fxiaoke', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
