select * from {{ source('cdnow', 'purchases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
