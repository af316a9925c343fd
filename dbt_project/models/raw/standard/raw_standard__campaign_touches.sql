select * from {{ source('standard', 'campaign_touches') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
