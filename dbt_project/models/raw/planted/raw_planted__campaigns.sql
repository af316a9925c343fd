select * from {{ source('planted', 'campaigns') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
