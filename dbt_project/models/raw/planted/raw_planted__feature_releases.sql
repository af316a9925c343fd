select * from {{ source('planted', 'feature_releases') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
