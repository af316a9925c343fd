select * from {{ source('planted', 'web_events') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
