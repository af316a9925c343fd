select * from {{ source('planted', 'referrals') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
