{#
    Staging of Zoho CRM, for what the pull brings (source zoho_crm) and for its bulk export (source zoho_crm_export):
    the same columns, but that only the pull tells of deleted records, by a row that says so.
#}

{# An instant as Zoho writes it, in UTC or with an offset, as a local timestamp. #}
{% macro zoho_time(column) -%}
    cast(cast({{ text(column) }} as timestamp with time zone) at time zone '{{ var("time_zone") }}' as timestamp)
{%- endmacro %}

{# Whether a record is there, as an SQL condition. #}
{% macro is_kept(source_name, extract) -%}
    {%- if 'is_deleted' in declared_columns(source_name, extract) -%}
        not cast({{ text('is_deleted') }} as boolean)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
    A customer is an account. A contact is one only without an account: persons of a company buy for it.
#}
{% macro zoho_crm_customers(source_name) %}
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
        cast({{ zoho_time('created_time') }} as date) as created_on,
        {{ text('phone') }} as phone_hash,
        cast(null as varchar) as email_hash,
        {{ text('id') }} as crm_id,
        cast(null as date) as birth_on,
        'company' as customer_kind,
        {{ text('industry') }} as industry,
        {{ text('employees') }} as company_size,
        {{ text('billing_country') }} as country,
        {{ text('billing_state') }} as province,
        {{ text('billing_city') }} as city,
        {{ text('owner') }} as account_owner,
        cast(null as boolean) as consent_marketing,
        cast({{ zoho_time('modified_time') }} as date) as updated_on,
        known_from_on,
        known_until_on
    from accounts
    where {{ is_kept(source_name, 'accounts') }}
),

persons as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as customer_id,
        cast({{ zoho_time('created_time') }} as date) as created_on,
        {{ text('mobile') }} as phone_hash,
        {{ text('email') }} as email_hash,
        {{ text('id') }} as crm_id,
        cast({{ text('date_of_birth') }} as date) as birth_on,
        'consumer' as customer_kind,
        cast(null as varchar) as industry,
        cast(null as varchar) as company_size,
        {{ text('mailing_country') }} as country,
        {{ text('mailing_state') }} as province,
        {{ text('mailing_city') }} as city,
        {{ text('owner') }} as account_owner,
        not cast({{ text('email_opt_out') }} as boolean) as consent_marketing,
        cast({{ zoho_time('modified_time') }} as date) as updated_on,
        known_from_on,
        known_until_on
    from contacts
    where {{ is_kept(source_name, 'contacts') }} and {{ text('account_name') }} is null
),

together as (
    select * from companies
    union all
    select * from persons
)

select * from together
{% endmacro %}

{#
    Deals that are orders of their own: won, and named by no sales order. From the day on which an order that names the
    deal is known, the order is what counts.
#}
{% macro zoho_crm_won_deals(source_name) %}
with

deals as (
    {{ versions(source_name, 'deals') }}
),

sales_orders as (
    {{ versions(source_name, 'sales_orders') }}
),

ordered as (
    select
        {{ text('deal_name') }} as deal_id,
        min(known_from_on) as ordered_from_on
    from sales_orders
    where {{ is_kept(source_name, 'sales_orders') }} and {{ text('deal_name') }} is not null
    group by {{ text('deal_name') }}
),

won as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as order_id,
        coalesce({{ text('account_name') }}, {{ text('contact_name') }}) as customer_id,
        coalesce(
            cast({{ text('closing_date') }} as timestamp),
            {{ zoho_time('modified_time') }}
        ) as ordered_at,
        cast({{ text('amount') }} as decimal(18, 2)) as net_amount,
        delivery,
        known_from_on,
        known_until_on
    from deals
    where {{ is_kept(source_name, 'deals') }} and lower({{ text('stage') }}) = 'closed won'
),

unordered as (
    select
        won.source,
        won.order_id,
        won.customer_id,
        won.ordered_at,
        won.net_amount,
        won.delivery,
        won.known_from_on,
        least(won.known_until_on, coalesce(ordered.ordered_from_on, won.known_until_on)) as known_until_on
    from won
    left join ordered on won.order_id = ordered.deal_id
    where won.known_from_on < coalesce(ordered.ordered_from_on, won.known_until_on)
)

select * from unordered
{% endmacro %}

{# Orders: the sales orders, and the won deals without one. Zoho's statuses in the contract's words. #}
{% macro zoho_crm_orders(source_name) %}
with

sales_orders as (
    {{ versions(source_name, 'sales_orders') }}
),

won_deals as (
    select * from {{ ref('stg_' ~ source_name ~ '__won_deals') }}
),

ordered as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as order_id,
        coalesce({{ text('account_name') }}, {{ text('contact_name') }}) as customer_id,
        {{ zoho_time('created_time') }} as ordered_at,
        case lower({{ text('status') }})
            when 'approved' then 'paid'
            else lower({{ text('status') }})
        end as status,
        cast({{ text('grand_total') }} as decimal(18, 2)) as net_amount,
        known_from_on,
        known_until_on
    from sales_orders
    where {{ is_kept(source_name, 'sales_orders') }}
    union all
    select
        source,
        order_id,
        customer_id,
        ordered_at,
        'completed' as status,
        net_amount,
        known_from_on,
        known_until_on
    from won_deals
),

dated as (
    select
        *,
        cast(ordered_at as date) as ordered_on,
        '{{ declared(source_name, "sales_orders", "currency") | replace("'", '') }}' as currency
    from ordered
)

select * from dated
{% endmacro %}

{#
    Lines: those of the sales orders, and one line of its amount for a won deal. Net is before tax and before what is
    taken off the whole order, which Zoho does not spread over the lines.
#}
{% macro zoho_crm_order_lines(source_name) %}
with

order_items as (
    {{ versions(source_name, 'order_items') }}
),

orders as (
    select * from {{ ref('stg_' ~ source_name ~ '__orders') }}
),

won_deals as (
    select * from {{ ref('stg_' ~ source_name ~ '__won_deals') }}
),

items as (
    select
        {{ text('parent_id') }} as order_id,
        {{ text('id') }} as line_id,
        {{ text('product_name') }} as product_id,
        cast({{ text('quantity') }} as decimal(18, 3)) as quantity,
        cast({{ text('total') }} as decimal(18, 2)) as list_amount,
        coalesce(cast({{ text('discount') }} as decimal(18, 2)), 0) as discount_amount,
        delivery,
        known_from_on,
        known_until_on
    from order_items
    where {{ is_kept(source_name, 'order_items') }}
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
        items.list_amount,
        items.discount_amount,
        items.list_amount - items.discount_amount as net_amount,
        orders.currency,
        orders.status,
        items.delivery,
        greatest(items.known_from_on, orders.known_from_on) as known_from_on,
        least(items.known_until_on, orders.known_until_on) as known_until_on
    from items
    inner join orders
        on items.order_id = orders.order_id
            and items.known_from_on < orders.known_until_on
            and orders.known_from_on < items.known_until_on
    union all
    select
        source,
        order_id,
        order_id as line_id,
        customer_id,
        ordered_at,
        cast(ordered_at as date) as ordered_on,
        cast(null as varchar) as product_id,
        1 as quantity,
        net_amount as list_amount,
        0 as discount_amount,
        net_amount,
        '{{ declared(source_name, "deals", "currency") | replace("'", '') }}' as currency,
        'completed' as status,
        delivery,
        known_from_on,
        known_until_on
    from won_deals
),

marked as (
    select
        *,
        false as is_excluded
    from lines
)

select * from marked
{% endmacro %}

{# Cases. Zoho keeps no instant of closing: that of the last change of a closed case stands in for it. #}
{% macro zoho_crm_service_tickets(source_name) %}
with

cases as (
    {{ versions(source_name, 'cases') }}
),

renamed as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as ticket_id,
        coalesce({{ text('account_name') }}, {{ text('related_to') }}) as customer_id,
        lower({{ text('type') }}) as kind,
        {{ zoho_time('created_time') }} as opened_at,
        case
            when lower({{ text('status') }}) = 'closed' then {{ zoho_time('modified_time') }}
        end as closed_at,
        {{ text('owner') }} as agent,
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

{% macro zoho_crm_products(source_name) %}
with

products as (
    {{ versions(source_name, 'products') }}
),

renamed as (
    select
        '{{ source_name }}' as source,
        {{ text('id') }} as product_id,
        {{ text('product_name') }} as product_name,
        {{ text('product_category') }} as category,
        {{ text('manufacturer') }} as brand,
        cast({{ text('unit_price') }} as decimal(18, 2)) as list_price,
        cast({{ text('product_active') }} as boolean) as is_in_stock,
        cast({{ text('sales_start_date') }} as date) as launched_on,
        cast({{ text('sales_start_date') }} as date) as valid_from_on,
        cast({{ text('sales_end_date') }} as date) as valid_to_on,
        known_from_on,
        known_until_on
    from products
    where {{ is_kept(source_name, 'products') }}
)

select * from renamed
{% endmacro %}
