select * from {{ source('planted', 'orders') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
