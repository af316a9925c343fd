select * from {{ source('planted', 'feedback') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
