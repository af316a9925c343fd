select * from {{ source('standard', 'holidays') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
