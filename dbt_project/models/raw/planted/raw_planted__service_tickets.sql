select * from {{ source('planted', 'service_tickets') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
