select * from {{ source('planted', 'social') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
