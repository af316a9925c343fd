with

lines as (
    select * from {{ ref('stg_online_retail__lines') }}
),

-- Staff write notes where the name should stand, on lines without a price. The name of the first sale known keeps:
-- a later one would rename the product in days already published.
named as (
    select
        stock_code,
        description,
        is_gift_card,
        known_from_on,
        row_number() over (partition by stock_code order by known_from_on, invoiced_at, description) as place
    from lines
    where line_kind = 'purchase' and unit_price > 0 and description is not null
),

renamed as (
    select
        'online_retail' as source,
        stock_code as product_id,
        description as product_name,
        is_gift_card,
        known_from_on,
        cast('9999-12-31' as date) as known_until_on
    from named
    where place = 1
)

select * from renamed
