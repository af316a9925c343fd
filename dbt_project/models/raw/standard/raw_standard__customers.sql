select * from {{ source('standard', 'customers') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
