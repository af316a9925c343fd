select * from {{ source('fxiaoke', 'returned_goods') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
