select * from {{ source('fxiaoke_export', 'accounts') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
