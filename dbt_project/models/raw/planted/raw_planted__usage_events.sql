select * from {{ source('planted', 'usage_events') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
