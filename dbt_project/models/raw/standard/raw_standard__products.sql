select * from {{ source('standard', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
