with

purchases as (
    {{ versions('cdnow', 'purchases') }}
),

typed as (
    select
        {{ text('customer_id') }} as customer_id,
        {{ sent_date('sold_on', 'cdnow', 'purchases') }} as sold_on,
        cast({{ text('number_of_cds') }} as decimal(18, 3)) as quantity,
        cast({{ text('dollar_value') }} as decimal(18, 2)) as amount,
        delivery,
        known_from_on,
        known_until_on
    from purchases
),

-- Purchases have no number. Those of a customer and day are numbered by what stands in them; which of two that are
-- alike is called the first makes no difference.
numbered as (
    select
        *,
        row_number() over (
            partition by customer_id, sold_on, known_from_on order by quantity, amount, delivery
        ) as purchase_of_day
    from typed
),

renamed as (
    select
        'cdnow' as source,
        customer_id || ':' || strftime(sold_on, '%Y%m%d') || ':' || purchase_of_day as order_id,
        -- a purchase is told of as a whole: one line, of no product
        '1' as line_id,
        customer_id,
        cast(sold_on as timestamp) as ordered_at,
        sold_on as ordered_on,
        quantity,
        amount as net_amount,
        'USD' as currency,
        'completed' as status,
        false as is_excluded,
        delivery,
        known_from_on,
        known_until_on
    from numbered
)

select * from renamed
