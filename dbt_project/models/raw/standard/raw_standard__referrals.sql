select * from {{ source('standard', 'referrals') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
