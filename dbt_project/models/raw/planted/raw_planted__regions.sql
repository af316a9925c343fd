select * from {{ source('planted', 'regions') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
