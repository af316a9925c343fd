select * from {{ source('complete_journey', 'feedback') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
