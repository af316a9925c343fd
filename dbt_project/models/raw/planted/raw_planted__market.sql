select * from {{ source('planted', 'market') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
