with

dumps as (
    select * from {{ ref('stg_olist__dumps') }}
),

customers as (
    {{ versions('olist', 'customers') }}
),

renamed as (
    select
        {{ text('customer_id') }} as customer_record_id,
        {{ text('customer_unique_id') }} as customer_id,
        {{ text('customer_zip_code_prefix') }} as zip_code_prefix,
        {{ text('customer_city') }} as city,
        {{ text('customer_state') }} as state,
        dumps.known_from_on,
        dumps.known_until_on
    from customers
    inner join dumps
        on customers.known_from_on <= dumps.known_from_on and customers.known_until_on > dumps.known_from_on
)

select * from renamed
