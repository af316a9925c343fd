select * from {{ source('planted', 'loyalty_points') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
