select * from {{ source('standard', 'social') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
