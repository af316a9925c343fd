select * from {{ source('planted', 'customers') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
