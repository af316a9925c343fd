select * from {{ source('complete_journey', 'purchases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
