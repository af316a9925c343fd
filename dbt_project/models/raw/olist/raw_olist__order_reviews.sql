select * from {{ source('olist', 'order_reviews') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
