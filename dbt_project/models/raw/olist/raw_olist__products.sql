select * from {{ source('olist', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
