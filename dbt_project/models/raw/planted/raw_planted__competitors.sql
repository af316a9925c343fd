select * from {{ source('planted', 'competitors') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
