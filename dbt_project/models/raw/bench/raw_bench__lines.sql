select * from {{ source('bench', 'lines') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
