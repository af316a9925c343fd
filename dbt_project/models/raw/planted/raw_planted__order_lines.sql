select * from {{ source('planted', 'order_lines') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
