select * from {{ source('olist', 'customers') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
