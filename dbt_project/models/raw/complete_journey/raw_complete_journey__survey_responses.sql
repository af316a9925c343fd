select * from {{ source('complete_journey', 'survey_responses') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
