select * from {{ source('complete_journey', 'campaigns') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
