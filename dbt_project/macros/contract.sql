{#
    Staging of an extract that follows the input contract: its columns carry the canonical names, so they only take
    their types. A day `x_on` that is not sent is the local day of the instant `x_at` that is. Columns the extract does
    not have are left out; the union makes them null.
#}
{% macro from_contract(source_name, entity) %}
{%- set columns = entity_columns(entity) -%}
{%- set declared_types = declared_extract(source_name, entity).columns -%}
{%- set sent_as = {'line_id': 'line_no', 'quantity': 'qty'} -%}
with

versions as (
    {{ versions_as_text(source_name, entity) }}
),

typed as (
    select
        {%- for name, type in columns.items() %}
        {%- set sent = sent_as.get(name, name) %}
        {%- if sent in declared_types %}
        {{ contract_value(sent, type, source_name, entity) }} as {{ name }},
        {%- elif name[-3:] == '_on' and (name[:-3] ~ '_at') in declared_types %}
        cast({{ contract_value(name[:-3] ~ '_at', 'timestamp', source_name, entity) }} as date) as {{ name }},
        {%- endif %}
        {%- endfor %}
        {%- if 'delivery' in columns %}
        delivery,
        {%- endif %}
        '{{ source_name }}' as source,
        known_from_on,
        known_until_on
    from versions
)

select * from typed
{% endmacro %}

{# A sent text in its type; codes in one spelling, so that Web, ＷＥＢ and web are one channel. #}
{% macro contract_value(name, type, source_name, extract) -%}
    {%- set codes = [
        'status', 'kind', 'channel', 'event', 'action', 'direction', 'question_kind', 'customer_kind', 'gender', 'age_band',
        'topic', 'tier', 'urban_rural',
    ] -%}
    {%- if type == 'timestamp' -%}
        {{ local_time(text(name), source_name, extract) }}
    {%- elif type == 'date' -%}
        {{ sent_date(text(name), source_name, extract) }}
    {%- elif type == 'varchar' and (name in codes or declared_of_column(name, source_name, extract, 'values')) -%}
        {{ code(name) }}
    {%- elif type == 'varchar' -%}
        {{ text(name) }}
    {%- elif type in ('integer', 'bigint') -%}
        cast(cast({{ text(name) }} as decimal(38, 2)) as {{ type }})
    {%- else -%}
        cast({{ text(name) }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{#
    Order lines of the contract. What belongs to the order (customer, instant, status, channel, shop, currency) stands on
    every line, or comes with `orders`; the line's own value wins. unit_price is what a unit was sold for before the line's
    discount; without it the list price is. An order nobody has sent yet leaves its lines without a date, and
    so unknown until it comes.
#}
{% macro order_lines_from_contract(source_name) %}
with

sent_lines as (
    {{ versions_as_text(source_name, 'order_lines') }}
),

orders as (
    select * from {{ ref('stg_' ~ source_name ~ '__orders') }}
),

typed as (
    select
        {{ text('order_id') }} as order_id,
        {{ text('line_no') }} as line_id,
        {{ text('customer_id') }} as customer_id,
        {{ local_time(text('ordered_at'), source_name, 'order_lines') }} as ordered_at,
        {{ text('product_id') }} as product_id,
        cast({{ text('qty') }} as decimal(18, 3)) as quantity,
        cast({{ text('list_price') }} as decimal(18, 2)) as list_price,
        cast({{ text('unit_price') }} as decimal(18, 2)) as unit_price,
        coalesce(cast({{ text('discount') }} as decimal(18, 2)), 0) as discount,
        cast({{ text('cost') }} as decimal(18, 2)) as cost,
        {{ code('status') }} as status,
        {{ code('channel') }} as channel,
        {{ text('store_id') }} as store_id,
        {{ text('currency') }} as currency,
        coalesce(cast({{ text('is_excluded') }} as boolean), false) as is_excluded,
        delivery,
        known_from_on,
        known_until_on
    from sent_lines
),

-- a line is known with the version of its order that is known at the same time
with_order as (
    select
        typed.*,
        coalesce(typed.customer_id, orders.customer_id) as order_customer_id,
        coalesce(typed.ordered_at, orders.ordered_at) as order_ordered_at,
        coalesce(typed.status, orders.status) as order_status,
        coalesce(typed.channel, orders.channel) as order_channel,
        coalesce(typed.store_id, orders.store_id) as order_store_id,
        coalesce(typed.currency, orders.currency) as order_currency,
        greatest(typed.known_from_on, orders.known_from_on) as order_known_from_on,
        least(typed.known_until_on, orders.known_until_on) as order_known_until_on
    from typed
    left join orders
        on typed.order_id = orders.order_id
            and typed.known_from_on < orders.known_until_on
            and orders.known_from_on < typed.known_until_on
),

priced as (
    select
        '{{ source_name }}' as source,
        order_id,
        line_id,
        order_customer_id as customer_id,
        order_ordered_at as ordered_at,
        cast(order_ordered_at as date) as ordered_on,
        product_id,
        quantity,
        cast(quantity * list_price as decimal(18, 2)) as list_amount,
        cast(quantity * list_price as decimal(18, 2))
        - cast(quantity * coalesce(unit_price, list_price) - discount as decimal(18, 2)) as discount_amount,
        cast(quantity * coalesce(unit_price, list_price) - discount as decimal(18, 2)) as net_amount,
        cast(quantity * cost as decimal(18, 2)) as cost_amount,
        coalesce(order_currency, '{{ declared(source_name, "order_lines", "currency") }}') as currency,
        order_status as status,
        order_channel as channel,
        order_store_id as store_id,
        is_excluded,
        delivery,
        order_known_from_on as known_from_on,
        order_known_until_on as known_until_on
    from with_order
    where order_ordered_at is not null
)

select * from priced
{% endmacro %}

{#
    Touches of the contract: whom a campaign was meant for, and every coupon handed in with an order (kind
    coupon_redeemed, dated at the order).
#}
{% macro campaign_touches_from_contract(source_name) %}
with

sent_touches as (
    {{ versions_as_text(source_name, 'campaign_touches') }}
),

campaigns as (
    select * from {{ ref('stg_' ~ source_name ~ '__campaigns') }}
),

orders as (
    select * from {{ ref('stg_' ~ source_name ~ '__orders') }}
),

-- the campaign only says when the touch ended: a touch is known without it
mailings as (
    select
        '{{ source_name }}' as source,
        'campaign' as kind,
        {{ text('sent_touches.campaign_id') }} as campaign_id,
        {{ text('sent_touches.customer_id') }} as customer_id,
        cast(null as varchar) as coupon_id,
        cast({{ text('sent_touches.is_holdout') }} as boolean) as is_holdout,
        cast({{ local_time(text('sent_touches.touched_at'), source_name, 'campaign_touches') }} as date) as touched_on,
        campaigns.ends_on as ended_on,
        sent_touches.known_from_on,
        sent_touches.known_until_on
    from sent_touches
    left join campaigns
        on {{ text('sent_touches.campaign_id') }} = campaigns.campaign_id
            and campaigns.known_until_on = cast('9999-12-31' as date)
),

redemptions as (
    select
        '{{ source_name }}' as source,
        'coupon_redeemed' as kind,
        promotion_id as campaign_id,
        customer_id,
        coupon_id,
        cast(null as boolean) as is_holdout,
        ordered_on as touched_on,
        cast(null as date) as ended_on,
        known_from_on,
        known_until_on
    from orders
    where coupon_id is not null
),

touches as (
    select * from mailings
    union all
    select * from redemptions
)

select * from touches
{% endmacro %}

{# The versions of an extract's rows with every sent value as text, also where the file has types (Parquet). #}
{% macro versions_as_text(source_name, extract) %}
{%- if declared(source_name, extract, 'format') == 'parquet' %}
    select
        {%- for column in declared_columns(source_name, extract) %}
        cast({{ column }} as varchar) as {{ column }},
        {%- endfor %}
        delivery,
        known_from_on,
        known_until_on
    from (
        {{ versions(source_name, extract) }}
    ) as typed_versions
{%- else %}
    {{ versions(source_name, extract) }}
{%- endif %}
{% endmacro %}
