select * from {{ source('standard', 'interactions') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
