select * from {{ source('standard', 'survey_responses') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
