-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/segment_profile.parquet') }}

{% set tables = marts_scheme_tables() %}
{% set schemes = tables.keys() | list %}

with

-- read once a scheme: held in memory it would be as wide as the table
customers as not materialized (
    select * from {{ ref('customer_360') }}
),

segment_categories as (
    select * from {{ ref('segment_category') }}
),

segments as (
    select
        scheme,
        code as segment_code,
        label_zh,
        label_en,
        sort_order
    from {{ ref('labels') }}
    where kind = 'segment'
),

in_force as (
    select * from {{ source('judged_by', 'cutpoints') }}
),

-- off the scores themselves, which cannot disagree with what they were judged by
cutpoints as (
    {%- for scheme, table in tables.items() %}
    select
        '{{ scheme }}' as scheme,
        max(cutpoint_version) as cutpoint_version
    from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

population as (
    select
        count(*) as customers,
        sum(net_w) as net_w
    from customers
),

measured as (
    {%- for scheme in schemes %}
    select
        '{{ scheme }}' as scheme,
        {{ scheme }}_segment_code as segment_code,
        count(*) as customers,
        sum(net_w) as net_w,
        median(recency_days) as median_recency_days,
        median(orders_w) as median_orders_w,
        median(net_w) as median_net_w,
        median(aov_w) as median_aov_w,
        median(tenure_days) as median_tenure_days,
        count(*) filter (where orders_life >= 1) as buyers,
        count(*) filter (where orders_life >= 2) as repeat_buyers,
        count(*) filter (where flag_churn_risk) as at_risk,
        count(csat_last) as csat_answers,
        sum(csat_last) as csat_sum,
        count(nps_last) as nps_answers,
        count(*) filter (where nps_last >= 9) as nps_promoters,
        count(*) filter (where nps_last <= 6) as nps_detractors,
        count(*) filter (where opinions_365d > 0) as responding,
        count(opinions_365d) as could_respond
    from customers
    group by {{ scheme }}_segment_code
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ranked_categories as (
    select
        scheme,
        segment_code,
        category,
        cast(round(net_w / sum(net_w) over (partition by scheme, segment_code), 6) as decimal(9, 6)) as share,
        row_number() over (partition by scheme, segment_code order by net_w desc, category asc) as place
    from segment_categories
),

top_categories as (
    select
        scheme,
        segment_code,
        max(category) filter (where place = 1) as top_category_1,
        max(share) filter (where place = 1) as top_category_1_share,
        max(category) filter (where place = 2) as top_category_2,
        max(share) filter (where place = 2) as top_category_2_share,
        max(category) filter (where place = 3) as top_category_3,
        max(share) filter (where place = 3) as top_category_3_share
    from ranked_categories
    where place <= 3
    group by scheme, segment_code
),

profiled as (
    select
        segments.scheme,
        segments.segment_code,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        segments.label_zh,
        segments.label_en,
        cast(segments.sort_order as integer) as sort_order,
        coalesce(measured.customers, 0) as customers,
        cast(round(coalesce(measured.customers, 0) / nullif(population.customers, 0), 6) as decimal(9, 6)) as share,
        cast(coalesce(measured.net_w, 0) as decimal(18, 2)) as net_w,
        cast(round(coalesce(measured.net_w, 0) / nullif(population.net_w, 0), 6) as decimal(18, 6)) as revenue_share,
        cast(measured.median_recency_days as double) as median_recency_days,
        cast(measured.median_orders_w as double) as median_orders_w,
        cast(measured.median_net_w as decimal(18, 2)) as median_net_w,
        cast(measured.median_aov_w as decimal(18, 2)) as median_aov_w,
        cast(measured.median_tenure_days as double) as median_tenure_days,
        cast(
            round(
                100 * cast(measured.net_w as double) * population.customers
                / (cast(nullif(population.net_w, 0) as double) * measured.customers), 1
            ) as decimal(18, 1)
        ) as net_index,
        {{ marts_rate('measured.repeat_buyers', 'measured.buyers') }} as repeat_rate,
        {{ marts_rate('measured.at_risk', 'measured.buyers') }} as churn_risk_share,
        case when delivered.has_survey_responses then coalesce(measured.csat_answers, 0) end as csat_answers,
        cast(round(cast(measured.csat_sum as double) / nullif(measured.csat_answers, 0), 2) as decimal(4, 2)) as csat_mean,
        case when delivered.has_survey_responses then coalesce(measured.nps_answers, 0) end as nps_answers,
        case
            when measured.nps_answers >= {{ var('nps_min_answers') }}
                then cast(
                    round(100 * cast(measured.nps_promoters - measured.nps_detractors as double) / measured.nps_answers, 1)
                    as decimal(5, 1)
                )
        end as nps,
        {{ marts_rate('measured.responding', 'measured.could_respond') }} as response_rate,
        {{ marts_rate('measured.responding', 'measured.could_respond') }} < {{ var('low_response_share') }} as low_response,
        top_categories.top_category_1,
        top_categories.top_category_1_share,
        top_categories.top_category_2,
        top_categories.top_category_2_share,
        top_categories.top_category_3,
        top_categories.top_category_3_share,
        case when segments.scheme = 'value_tier' then in_force.gini end as gini,
        case when segments.scheme = 'value_tier' then in_force.top_fifth_share end as top_fifth_share,
        cutpoints.cutpoint_version,
        in_force.status as cutpoint_status
    from segments
    cross join population
    cross join in_force
    inner join {{ ref('feat_delivered') }} as delivered on delivered.as_of = {{ marts_as_of() }}
    left join cutpoints on segments.scheme = cutpoints.scheme
    left join measured
        on segments.scheme = measured.scheme and segments.segment_code = measured.segment_code
    left join top_categories
        on segments.scheme = top_categories.scheme and segments.segment_code = top_categories.segment_code
)

select * from profiled
order by scheme, segment_code
