select * from {{ source('fxiaoke', 'accounts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
