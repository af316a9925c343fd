select * from {{ source('standard', 'usage_events') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
