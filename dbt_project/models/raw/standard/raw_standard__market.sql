select * from {{ source('standard', 'market') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
