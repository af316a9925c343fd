select * from {{ source('complete_journey', 'returns') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
