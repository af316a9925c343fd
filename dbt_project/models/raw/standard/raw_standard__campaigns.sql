select * from {{ source('standard', 'campaigns') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
