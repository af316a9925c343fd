select * from {{ source('planted', 'returns') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
