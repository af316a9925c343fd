select * from {{ source('fxiaoke_export', 'returned_goods') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
