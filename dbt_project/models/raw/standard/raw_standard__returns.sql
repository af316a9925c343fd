select * from {{ source('standard', 'returns') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
