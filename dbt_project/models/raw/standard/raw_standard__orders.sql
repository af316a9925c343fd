select * from {{ source('standard', 'orders') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
