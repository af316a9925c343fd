with

returns as (
    {{ versions('complete_journey', 'returns') }}
),

renamed as (
    select
        'complete_journey' as source,
        return_id,
        cast({{ text('household_id') }} as bigint) as customer_id,
        cast({{ text('basket_id') }} as bigint) as order_id,
        cast({{ text('product_id') }} as bigint) as line_id,
        cast({{ local_time('returned_at', 'complete_journey', 'returns') }} as date) as returned_on,
        cast({{ text('quantity') }} as decimal(18, 3)) as quantity,
        cast(amount as decimal(18, 2)) as amount,
        {{ text('reason_code') }} as reason_code,
        delivery,
        known_from_on,
        known_until_on
    from returns
)

select * from renamed
