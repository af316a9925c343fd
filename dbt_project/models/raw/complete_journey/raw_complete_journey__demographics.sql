select * from {{ source('complete_journey', 'demographics') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
