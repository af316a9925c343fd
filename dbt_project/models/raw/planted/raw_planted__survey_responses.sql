select * from {{ source('planted', 'survey_responses') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
