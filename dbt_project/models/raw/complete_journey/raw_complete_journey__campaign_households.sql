select * from {{ source('complete_journey', 'campaign_households') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
