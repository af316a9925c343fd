{#
    Staging of 纷享销客 (Fxiaoke), for what the pull brings (source fxiaoke) and for whole objects exported by hand (source
    fxiaoke_export): the same columns, but that only the pull marks deleted records.
#}

{# Milliseconds since 1970 as a local timestamp. #}
{% macro local_time_of_milliseconds(column, source_name, extract) -%}
    {{ local_time('make_timestamp(cast(' ~ text(column) ~ ' as bigint) * 1000)', source_name, extract) }}
{%- endmacro %}

{# Employees come as a list of numbers, mostly of one: ["1000"]. #}
{% macro employees(column) -%}
    nullif(trim({{ column }}, '[]" '), '')
{%- endmacro %}

{# Whether an order or return has passed its approval. #}
{% macro is_in_force(life_status) -%}
    lower({{ text(life_status) }}) in ('normal', 'in_change')
{%- endmacro %}

{#
    A customer is an account. A contact is one only without an account: persons of a company buy for it.
#}
{% macro fxiaoke_customers(source_name) %}
with

accounts as (
    {{ versions(source_name, 'accounts') }}
),

contacts as (
    {{ versions(source_name, 'contacts') }}
),

companies as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as customer_id,
        cast({{ local_time_of_milliseconds('create_time', source_name, 'accounts') }} as date) as created_on,
        {{ text('tel') }} as phone_hash,
        {{ text('email') }} as email_hash,
        {{ text('id') }} as crm_id,
        'company' as customer_kind,
        {{ text('industry_level1') }} as industry,
        {{ text('country') }} as country,
        {{ text('province') }} as province,
        {{ text('city') }} as city,
        {{ employees('owner') }} as account_owner,
        {{ text('account_level') }} as member_level,
        cast({{ local_time_of_milliseconds('last_modified_time', source_name, 'accounts') }} as date) as updated_on,
        known_from_on,
        known_until_on
    from accounts
    where {{ is_kept(source_name, 'accounts') }}
),

persons as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as customer_id,
        cast({{ local_time_of_milliseconds('create_time', source_name, 'contacts') }} as date) as created_on,
        {{ text('mobile1') }} as phone_hash,
        {{ text('email') }} as email_hash,
        {{ text('id') }} as crm_id,
        'consumer' as customer_kind,
        cast(null as varchar) as industry,
        cast(null as varchar) as country,
        cast(null as varchar) as province,
        cast(null as varchar) as city,
        {{ employees('owner') }} as account_owner,
        cast(null as varchar) as member_level,
        cast({{ local_time_of_milliseconds('last_modified_time', source_name, 'contacts') }} as date) as updated_on,
        known_from_on,
        known_until_on
    from contacts
    where {{ is_kept(source_name, 'contacts') }} and {{ text('account_id') }} is null
),

together as (
    select * from companies
    union all
    select * from persons
)

select * from together
{% endmacro %}

{# Orders: paid once approved, for there is no state of payment on them; created until then. #}
{% macro fxiaoke_orders(source_name) %}
with

sales_orders as (
    {{ versions(source_name, 'sales_orders') }}
),

renamed as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as order_id,
        {{ text('account_id') }} as customer_id,
        {{ local_time_of_milliseconds('order_time', source_name, 'sales_orders') }} as ordered_at,
        case
            when {{ is_in_force('life_status') }} then 'paid'
            when lower({{ text('life_status') }}) = 'invalid' then 'cancelled'
            else 'created'
        end as status,
        cast({{ text('order_amount') }} as decimal(18, 2)) as net_amount,
        '{{ declared(source_name, "sales_orders", "currency") | replace("'", '') }}' as currency,
        known_from_on,
        known_until_on
    from sales_orders
    where {{ is_kept(source_name, 'sales_orders') }}
),

dated as (
    select
        *,
        cast(ordered_at as date) as ordered_on
    from renamed
)

select * from dated
{% endmacro %}

{# Lines of the orders. A line without a list price was sold at its list price. #}
{% macro fxiaoke_order_lines(source_name) %}
with

sales_order_products as (
    {{ versions(source_name, 'sales_order_products') }}
),

orders as (
    select * from {{ ref('stg_' ~ source_name ~ '__orders') }}
),

items as (
    select
        {{ text('order_id') }} as order_id,
        {{ text('id') }} as line_id,
        {{ text('product_id') }} as product_id,
        cast({{ text('quantity') }} as decimal(18, 3)) as quantity,
        cast({{ text('subtotal') }} as decimal(18, 2)) as net_amount,
        cast(
            cast({{ text('quantity') }} as decimal(18, 3)) * cast({{ text('product_price') }} as decimal(18, 2))
            as decimal(18, 2)
        ) as list_amount,
        delivery,
        known_from_on,
        known_until_on
    from sales_order_products
    where {{ is_kept(source_name, 'sales_order_products') }}
),

-- a line is known with the version of its order that is known at the same time
lines as (
    select
        orders.source,
        items.order_id,
        items.line_id,
        orders.customer_id,
        orders.ordered_at,
        orders.ordered_on,
        items.product_id,
        items.quantity,
        coalesce(items.list_amount, items.net_amount) as list_amount,
        coalesce(items.list_amount, items.net_amount) - items.net_amount as discount_amount,
        items.net_amount,
        orders.currency,
        orders.status,
        false as is_excluded,
        items.delivery,
        greatest(items.known_from_on, orders.known_from_on) as known_from_on,
        least(items.known_until_on, orders.known_until_on) as known_until_on
    from items
    inner join orders
        on items.order_id = orders.order_id
            and items.known_from_on < orders.known_until_on
            and orders.known_from_on < items.known_until_on
)

select * from lines
{% endmacro %}

{# Returns that are approved. They name the order, not its line. #}
{% macro fxiaoke_returns(source_name) %}
with

returned_goods as (
    {{ versions(source_name, 'returned_goods') }}
),

renamed as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as return_id,
        {{ text('account_id') }} as customer_id,
        {{ text('order_id') }} as order_id,
        cast(null as varchar) as line_id,
        cast({{ local_time_of_milliseconds('returned_goods_time', source_name, 'returned_goods') }} as date) as returned_on,
        cast({{ text('returned_goods_inv_amount') }} as decimal(18, 2)) as amount,
        {{ text('returned_goods_reason') }} as reason_code,
        delivery,
        known_from_on,
        known_until_on
    from returned_goods
    where {{ is_kept(source_name, 'returned_goods') }} and {{ is_in_force('life_status') }}
)

select * from renamed
{% endmacro %}

{# Service tickets: who, when and by whom; their states are the company's own, and so are not read. #}
{% macro fxiaoke_service_tickets(source_name) %}
with

cases as (
    {{ versions(source_name, 'cases') }}
),

renamed as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as ticket_id,
        {{ text('account_id') }} as customer_id,
        {{ local_time_of_milliseconds('create_time', source_name, 'cases') }} as opened_at,
        {{ employees('owner') }} as agent,
        known_from_on,
        known_until_on
    from cases
    where {{ is_kept(source_name, 'cases') }}
),

dated as (
    select
        *,
        cast(opened_at as date) as opened_on
    from renamed
)

select * from dated
{% endmacro %}

{% macro fxiaoke_products(source_name) %}
with

products as (
    {{ versions(source_name, 'products') }}
),

renamed as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as product_id,
        {{ text('name') }} as product_name,
        {{ text('category') }} as category,
        {{ text('product_spec') }} as package_size,
        cast({{ text('price') }} as decimal(18, 2)) as list_price,
        known_from_on,
        known_until_on
    from products
    where {{ is_kept(source_name, 'products') }}
)

select * from renamed
{% endmacro %}
