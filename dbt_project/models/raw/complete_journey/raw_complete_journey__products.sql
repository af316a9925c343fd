select * from {{ source('complete_journey', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
