select * from {{ source('planted', 'holidays') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
