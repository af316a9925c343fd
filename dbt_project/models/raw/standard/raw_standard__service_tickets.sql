select * from {{ source('standard', 'service_tickets') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
