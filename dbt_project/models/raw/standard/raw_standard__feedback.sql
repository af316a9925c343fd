select * from {{ source('standard', 'feedback') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
