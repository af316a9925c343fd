-- read by three models; one pass over 305 small files of text instead of three
{{ config(materialized='table') }}

with

invoice_lines as (
    {{ versions('online_retail', 'invoice_lines') }}
),

stock_codes as (
    select * from {{ ref('stg_online_retail__stock_codes') }}
),

typed as (
    select
        {{ text('InvoiceNo') }} as invoice_id,
        -- 85123A and 85123a are one article
        upper({{ text('StockCode') }}) as stock_code,
        {{ text('Description') }} as description,
        cast({{ text('Quantity') }} as decimal(18, 3)) as quantity,
        {{ local_time(text('InvoiceDate'), 'online_retail', 'invoice_lines') }} as invoiced_at,
        cast({{ text('UnitPrice') }} as decimal(18, 3)) as unit_price,
        -- written 17850.0, as a number that once stood in a column with blanks
        cast(cast(cast({{ text('CustomerID') }} as decimal(18, 1)) as bigint) as varchar) as customer_id,
        {{ text('Country') }} as country,
        -- lines have no number: their content, which no other line of the invoice has, stands for one
        md5(concat_ws(
            chr(31)
            {%- for column in declared('online_retail', 'invoice_lines', 'key') %},
            coalesce(cast({{ column }} as varchar), chr(30))
            {%- endfor %}
        )) as line_md5,
        delivery,
        known_from_on,
        known_until_on
    from invoice_lines
),

coded as (
    select
        typed.*,
        stock_codes.stock_code is not null or regexp_matches(typed.stock_code, '^([0-9]{5}[A-Z]{0,2}|DCGS[0-9A-Z]+)$')
            as is_listed,
        coalesce(stock_codes.is_product, true) as is_product,
        coalesce(stock_codes.is_gift_card, false) as is_gift_card
    from typed
    left join stock_codes on typed.stock_code = stock_codes.stock_code
),

-- the first that holds
judged as (
    select
        invoice_id,
        stock_code || ':' || left(line_md5, 8) as line_id,
        customer_id,
        country,
        stock_code,
        description,
        invoiced_at,
        cast(invoiced_at as date) as invoiced_on,
        quantity,
        unit_price,
        cast(quantity * unit_price as decimal(18, 2)) as amount,
        starts_with(invoice_id, 'C') as is_cancelled,
        is_listed,
        is_gift_card,
        case
            when not is_product then 'not_product'
            when starts_with(invoice_id, 'C') then 'return'
            when quantity < 0 then 'adjustment'
            else 'purchase'
        end as line_kind,
        delivery,
        known_from_on,
        known_until_on
    from coded
)

select * from judged
