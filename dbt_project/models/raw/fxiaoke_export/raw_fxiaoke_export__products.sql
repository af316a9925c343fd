select * from {{ source('fxiaoke_export', 'products') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
