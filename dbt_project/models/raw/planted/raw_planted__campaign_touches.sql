select * from {{ source('planted', 'campaign_touches') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
