select * from {{ source('standard', 'regions') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
