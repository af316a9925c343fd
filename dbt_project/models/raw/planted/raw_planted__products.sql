select * from {{ source('planted', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
