select * from {{ source('olist', 'category_translation') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
