select * from {{ source('olist', 'orders') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
