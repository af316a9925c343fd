{{ config(materialized='parquet_file', location=var('run_dir') ~ '/features/feature_measures.parquet') }}

{%- set may_be_null = [
    'age_band', 'income_band', 'recency_days', 'second_order_days', 'gap_median_days', 'list_w', 'top_category',
    'margin_w', 'rating_mean_365d', 'csat_last', 'nps_last', 'complaints_365d', 'campaigns_365d',
] %}
{%- set coverages = [
    'basic_coverage', 'purchase_coverage', 'usage_coverage', 'feedback_coverage', 'contact_coverage',
] %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

features as (
    select * from {{ ref('customer_features') }}
),

-- straight from staging, without any grouping by order: a line counted twice later on cannot hide here
staged_lines as (
    select
        as_of_dates.as_of,
        count(*) as lines_in,
        sum(lines.net_amount) as lines_net
    from {{ ref('stg_order_lines') }} as lines
    inner join as_of_dates
        on lines.ordered_on < as_of_dates.as_of and {{ is_known('lines', 'as_of_dates') }}
    group by as_of_dates.as_of
),

staged_returns as (
    select
        as_of_dates.as_of,
        sum(returns.amount) filter (where returns.order_id is not null) as linked_returns,
        sum(returns.amount) filter (where returns.order_id is null and returns.customer_id is not null)
            as unlinked_returns
    from {{ ref('stg_returns') }} as returns
    inner join as_of_dates
        on returns.returned_on < as_of_dates.as_of and {{ is_known('returns', 'as_of_dates') }}
    group by as_of_dates.as_of
),

orders as (
    select
        as_of,
        sum(lines) as lines_out,
        count(*) as all_orders,
        count(*) filter (where is_valid) as orders_valid,
        count(*) filter (where is_valid and customer_id is not null) as orders_in,
        count(*) filter (where is_valid and customer_id is null) as orders_anonymous,
        count(*) filter (where is_excluded) as orders_excluded,
        count(*) filter (where not is_excluded and is_paid and net_amount <= 0) as orders_without_net,
        sum(net_amount) filter (where is_valid and customer_id is null) as net_anonymous,
        sum(ordered_amount) filter (where not is_valid) as net_not_valid,
        sum(returned_amount) as returned_amount,
        sum(returned_amount) filter (where not is_valid) as returned_not_valid
    from {{ ref('feat_order') }}
    group by as_of
),

-- counted before the sections are joined on: a join that loses or doubles a customer shows here
staged_customers as (
    select
        as_of,
        count(*) as customers_in
    from {{ ref('feat_customer') }}
    group by as_of
),

customers as (
    select
        as_of,
        count(*) as customers_out,
        count(distinct customer_id) as customer_ids,
        count(*) filter (where orders_life > 0) as buyers,
        count(*) filter (where orders_w > 0) as buyers_w,
        sum(orders_life) as orders_out,
        sum(net_life) as net_features,
        min(recency_days) as recency_days_min,
        min(tenure_days - recency_days) as tenure_over_recency_min,
        max(greatest(last_order_on, last_used_on, last_feedback_on, last_contact_on, last_good_contact_on))
            as last_feature_on,
        count(*) filter (
            where orders_w > orders_life or orders_90d > orders_life or orders_30d > orders_90d
            or gaps <> greatest(occasions_life - 1, 0) or occasions_life > orders_life
            or (orders_life > 0) <> (recency_days is not null)
            or (gaps > 0) <> (gap_median_days is not null) or (orders_life > 1) <> (second_order_days is not null)
            or second_order_days < 0 or second_order_days > tenure_days - recency_days or last_gap_days < 1
            or discount_w > list_w or categories_w < 0
        ) as contradictions,
        {%- for column in may_be_null %}
        {{ null_share(column) }} as {{ column }}_null_share,
        {%- endfor %}
        {%- for column in coverages %}
        min({{ column }}) as {{ column }}_min,
        {%- endfor %}
        {%- for column in coverages %}
        max({{ column }}) as {{ column }}_max,
        {%- endfor %}
        {%- for column in coverages %}
        {{ exact_mean(column) }} as {{ column }}_mean,
        {%- endfor %}
        sum(net_w) as net_w
    from features
    group by as_of
),

measures as (
    select
        as_of_dates.as_of,
        as_of_dates.known_on,
        cast(coalesce(staged_lines.lines_in, 0) as bigint) as lines_in,
        cast(coalesce(orders.lines_out, 0) as bigint) as lines_out,
        cast(coalesce(staged_customers.customers_in, 0) as bigint) as customers_in,
        cast(coalesce(customers.customers_out, 0) as bigint) as customers_out,
        cast(coalesce(customers.customer_ids, 0) as bigint) as customer_ids,
        cast(coalesce(customers.buyers, 0) as bigint) as buyers,
        cast(coalesce(customers.buyers_w, 0) as bigint) as buyers_w,
        cast(coalesce(orders.orders_in, 0) as bigint) as orders_in,
        cast(coalesce(customers.orders_out, 0) as bigint) as orders_out,
        cast(coalesce(orders.orders_anonymous, 0) as bigint) as orders_anonymous,
        cast(coalesce(orders.all_orders - orders.orders_valid, 0) as bigint) as orders_not_valid,
        cast(coalesce(orders.orders_excluded, 0) as bigint) as orders_excluded,
        cast(coalesce(orders.orders_without_net, 0) as bigint) as orders_without_net,
        cast(coalesce(customers.net_features, 0) as decimal(18, 2)) as net_features,
        cast(coalesce(orders.net_anonymous, 0) as decimal(18, 2)) as net_anonymous,
        -- lines, less orders that do not count, less returns: what the two above must add up to
        cast(
            coalesce(staged_lines.lines_net, 0)
            - coalesce(orders.net_not_valid, 0)
            - (coalesce(orders.returned_amount, 0) - coalesce(orders.returned_not_valid, 0))
            - coalesce(staged_returns.unlinked_returns, 0)
            as decimal(18, 2)
        ) as net_staging,
        cast(coalesce(staged_returns.linked_returns, 0) as decimal(18, 2)) as returns_linked,
        cast(coalesce(staged_returns.linked_returns, 0) - coalesce(orders.returned_amount, 0) as decimal(18, 2))
            as returns_of_unknown_orders,
        cast(coalesce(staged_returns.unlinked_returns, 0) as decimal(18, 2)) as returns_unlinked,
        cast(coalesce(customers.net_w, 0) as decimal(18, 2)) as net_w,
        customers.recency_days_min,
        customers.tenure_over_recency_min,
        customers.last_feature_on,
        {%- for column in may_be_null %}
        customers.{{ column }}_null_share,
        {%- endfor %}
        {%- for column in coverages %}
        customers.{{ column }}_min,
        {%- endfor %}
        {%- for column in coverages %}
        customers.{{ column }}_max,
        {%- endfor %}
        {%- for column in coverages %}
        customers.{{ column }}_mean,
        {%- endfor %}
        cast(coalesce(customers.contradictions, 0) as bigint) as contradictions
    from as_of_dates
    left join staged_lines on as_of_dates.as_of = staged_lines.as_of
    left join staged_returns on as_of_dates.as_of = staged_returns.as_of
    left join orders on as_of_dates.as_of = orders.as_of
    left join staged_customers on as_of_dates.as_of = staged_customers.as_of
    left join customers on as_of_dates.as_of = customers.as_of
)

select * from measures
order by as_of
