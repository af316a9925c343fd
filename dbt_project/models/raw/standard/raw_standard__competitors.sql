select * from {{ source('standard', 'competitors') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
