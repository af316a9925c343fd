select * from {{ source('complete_journey', 'coupon_redemptions') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
