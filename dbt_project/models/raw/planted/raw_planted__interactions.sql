select * from {{ source('planted', 'interactions') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
