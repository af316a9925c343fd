select * from {{ source('fxiaoke', 'pulls') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
