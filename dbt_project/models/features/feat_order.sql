with

as_of_dates as (
    {{ as_of_dates() }}
),

gift_cards as (
    select
        as_of_dates.as_of,
        products.source,
        products.product_id
    from {{ ref('stg_products') }} as products
    inner join as_of_dates on {{ is_known('products', 'as_of_dates') }}
    where products.is_gift_card
),

-- everything an order is made of, before anything is joined to it; the window is open at as_of
lines as (
    select
        as_of_dates.as_of,
        lines.source,
        lines.order_id,
        lines.customer_id,
        lines.ordered_on,
        lines.ordered_at,
        lines.channel,
        lines.list_amount,
        lines.discount_amount,
        lines.net_amount,
        lines.cost_amount,
        case
            when
                lines.source not in ({{ text_list(sources_that_resend('order_lines')) }})
                and {{ is_late('lines.ordered_on', 'lines.known_from_on') }}
                then lines.known_from_on
        end as late_on,
        {{ is_paid('lines.status') }} as is_paid,
        lines.is_excluded or gift_cards.product_id is not null as is_excluded
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of and {{ is_known('lines', 'as_of_dates') }}
    left join gift_cards
        on as_of_dates.as_of = gift_cards.as_of
            and lines.product_id = gift_cards.product_id
            and lines.source = gift_cards.source
    where {{ is_learned_from('lines.customer_id') }}
),

orders as (
    select
        as_of,
        source,
        order_id,
        min(customer_id) as customer_id,
        min(ordered_on) as ordered_on,
        min(ordered_at) as ordered_at,
        min(channel) as channel,
        max(late_on) as last_late_on,
        cast(count(*) as integer) as lines,
        cast(sum(list_amount) as decimal(18, 2)) as list_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(net_amount) as decimal(18, 2)) as ordered_amount,
        cast(sum(cost_amount) as decimal(18, 2)) as cost_amount,
        count(list_amount) = count(*) as has_list,
        count(cost_amount) = count(*) as has_cost,
        bool_and(is_paid) as is_paid,
        bool_and(is_excluded) as is_excluded
    from lines
    group by as_of, source, order_id
),

linked_returns as (
    select
        as_of_dates.as_of,
        returns.source,
        returns.order_id,
        cast(sum(returns.amount) as decimal(18, 2)) as returned_amount
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on returns.returned_on < as_of_dates.as_of and {{ is_known('returns', 'as_of_dates') }}
    where returns.order_id is not null
    group by as_of_dates.as_of, returns.source, returns.order_id
),

netted as (
    select
        orders.as_of,
        orders.source,
        orders.order_id,
        orders.customer_id,
        orders.ordered_on,
        orders.ordered_at,
        orders.channel,
        orders.last_late_on,
        orders.lines,
        case when orders.has_list then orders.list_amount end as list_amount,
        case when orders.has_list then orders.discount_amount end as discount_amount,
        orders.ordered_amount,
        coalesce(linked_returns.returned_amount, 0) as returned_amount,
        cast(orders.ordered_amount - coalesce(linked_returns.returned_amount, 0) as decimal(18, 2)) as net_amount,
        case when orders.has_cost then orders.cost_amount end as cost_amount,
        orders.is_paid,
        orders.is_excluded
    from orders
    left join linked_returns
        on orders.as_of = linked_returns.as_of
            and orders.source = linked_returns.source
            and orders.order_id = linked_returns.order_id
),

judged as (
    select
        *,
        is_paid and not is_excluded and net_amount > 0 as is_valid
    from netted
)

select * from judged
