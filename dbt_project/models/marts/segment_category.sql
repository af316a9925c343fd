{% set schemes = marts_scheme_tables().keys() | list %}

with

customers as (
    select
        customer_id,
        as_of,
        {%- for scheme in schemes %}
        {{ scheme }}_segment_code{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('customer_360') }}
),

category_net as (
    select
        cast(customer_id as varchar) as customer_id,
        as_of,
        category,
        net_w
    from {{ ref('feat_customer_category') }}
    where net_w > 0
),

-- one pass over customers and categories for all schemes; a row is of the scheme whose bit is not set
combined as (
    select
        {%- for scheme in schemes %}
        customers.{{ scheme }}_segment_code,
        {%- endfor %}
        category_net.category,
        sum(category_net.net_w) as net_w,
        grouping_id({% for scheme in schemes %}customers.{{ scheme }}_segment_code{{ ', ' if not loop.last }}{% endfor %}) as left_out
    from category_net
    inner join customers
        on category_net.customer_id = customers.customer_id and category_net.as_of = customers.as_of
    group by grouping sets (
        {%- for scheme in schemes %}
        (category_net.category, customers.{{ scheme }}_segment_code){{ ',' if not loop.last }}
        {%- endfor %}
    )
),

by_scheme as (
    {%- for scheme in schemes %}
    select
        '{{ scheme }}' as scheme,
        {{ scheme }}_segment_code as segment_code,
        category,
        net_w
    from combined
    where left_out = {{ 2 ** (schemes | length) - 1 - 2 ** loop.revindex0 }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from by_scheme
