-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/segment_trend.parquet') }}

{%- set schemes = marts_scheme_tables().keys() | list -%}
{%- set counts = [
    'active_customers', 'repeat_customers', 'orders', 'at_risk_customers', 'lost_customers', 'referrers',
    'csat_answers', 'csat_satisfied', 'nps_answers', 'nps_promoters', 'nps_detractors',
] %}

with

segments as (
    select
        scheme,
        code,
        label_zh,
        label_en,
        cast(row_number() over (partition by scheme order by sort_order, code) as utinyint) as place
    from {{ ref('labels') }}
    where kind = 'segment'
),

-- places instead of codes: the sums below run over tens of millions of rows, once per scheme
places as (
    select
        customers.customer_id,
        cast((year(customers.first_order_on) - 1970) * 4 + quarter(customers.first_order_on) as utinyint) as cohort,
        {%- for scheme in schemes %}
        {{ scheme }}_segments.place as {{ scheme }}_place{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('customer_360') }} as customers
    {%- for scheme in schemes %}
    left join segments as {{ scheme }}_segments
        on
            customers.{{ scheme }}_segment_code = {{ scheme }}_segments.code
            and {{ scheme }}_segments.scheme = '{{ scheme }}'
    {%- endfor %}
),

newest as (
    select {{ month_number(marts_as_of()) }} - 1 as month
),

months as (
    select
        places.* exclude (customer_id),
        cast(newest.month - customer_months.month as utinyint) as months_ago,
        cast(customer_months.orders as integer) as orders,
        cast(customer_months.net_amount * 100 as bigint) as net_cents,
        customer_months.orders > 0 as is_active,
        customer_months.is_repeat,
        customer_months.is_at_risk,
        customer_months.is_lost,
        customer_months.is_referrer,
        cast(customer_months.csat_answers as integer) as csat_answers,
        cast(customer_months.csat_satisfied as integer) as csat_satisfied,
        cast(customer_months.nps_answers as integer) as nps_answers,
        cast(customer_months.nps_promoters as integer) as nps_promoters,
        cast(customer_months.nps_detractors as integer) as nps_detractors
    from {{ ref('feat_customer_month') }} as customer_months
    cross join newest
    inner join places on cast(customer_months.customer_id as varchar) = places.customer_id
    where customer_months.as_of = {{ marts_as_of() }}
),

{% for scheme in schemes -%}
{{ scheme }}_sums as (
    select
        '{{ scheme }}' as scheme,
        {{ scheme }}_place as place,
        months_ago,
        cohort,
        sum(net_cents) as net_cents,
        count(*) filter (where is_active) as active_customers,
        count(*) filter (where is_repeat) as repeat_customers,
        sum(orders) as orders,
        count(*) filter (where is_at_risk) as at_risk_customers,
        count(*) filter (where is_lost) as lost_customers,
        count(*) filter (where is_referrer) as referrers,
        sum(csat_answers) as csat_answers,
        sum(csat_satisfied) as csat_satisfied,
        sum(nps_answers) as nps_answers,
        sum(nps_promoters) as nps_promoters,
        sum(nps_detractors) as nps_detractors
    from months
    group by {{ scheme }}_place, months_ago, cohort
),

{% endfor -%}
by_cohort as (
    {%- for scheme in schemes %}
    select * from {{ scheme }}_sums
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

with_all_cohorts as (
    select
        scheme,
        place,
        months_ago,
        case
            when cohort is null then 'none'
            else cast(1970 + (cohort - 1) // 4 as varchar) || '-Q' || cast((cohort - 1) % 4 + 1 as varchar)
        end as cohort,
        * exclude (scheme, place, months_ago, cohort)
    from by_cohort

    union all

    select
        scheme,
        place,
        months_ago,
        'all' as cohort,
        sum(net_cents) as net_cents,
        {%- for count in counts %}
        sum({{ count }}) as {{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from by_cohort
    group by scheme, place, months_ago
),

rated as (
    select
        scheme,
        place,
        months_ago,
        cohort,
        cast(net_cents / 100 as decimal(18, 2)) as net_amount,
        {%- for count in counts %}
        cast({{ count }} as bigint) as {{ count }},
        {%- endfor %}
        {{ marts_rate('repeat_customers', 'active_customers') }} as repeat_rate,
        {{ marts_rate('lost_customers', 'at_risk_customers') }} as churn_rate,
        {{ marts_rate('referrers', 'active_customers') }} as referral_rate,
        {{ marts_rate('csat_satisfied', 'csat_answers') }} as csat,
        case
            when nps_answers >= {{ var('nps_min_answers') }}
                then cast(round(100 * cast(nps_promoters - nps_detractors as double) / nps_answers, 1) as decimal(5, 1))
        end as nps
    from with_all_cohorts
),

compared as (
    select
        rated.scheme,
        segments.code as segment_code,
        {{ month_start('newest.month - rated.months_ago') }} as month,
        rated.cohort,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        segments.label_zh,
        segments.label_en,
        rated.active_customers,
        rated.repeat_customers,
        rated.orders,
        rated.net_amount,
        rated.repeat_rate,
        rated.at_risk_customers,
        rated.lost_customers,
        case when rated.at_risk_customers > 0 then rated.churn_rate end as churn_rate,
        case when delivered.has_referrals then rated.referrers end as referrers,
        case when delivered.has_referrals then rated.referral_rate end as referral_rate,
        case when delivered.has_survey_responses then rated.csat_answers end as csat_answers,
        rated.csat,
        case when delivered.has_survey_responses then rated.nps_answers end as nps_answers,
        rated.nps,
        before.active_customers as active_customers_year_before,
        before.net_amount as net_amount_year_before,
        before.repeat_rate as repeat_rate_year_before,
        before.churn_rate as churn_rate_year_before,
        before.referral_rate as referral_rate_year_before,
        before.csat as csat_year_before,
        before.nps as nps_year_before
    from rated
    cross join newest
    inner join {{ ref('feat_delivered') }} as delivered on delivered.as_of = {{ marts_as_of() }}
    inner join segments on rated.scheme = segments.scheme and rated.place = segments.place
    left join rated as before
        on
            rated.scheme = before.scheme
            and rated.place = before.place
            and rated.cohort = before.cohort
            and rated.months_ago + 12 = before.months_ago
    where rated.months_ago < {{ var('trend_months') }}
)

select * from compared
order by scheme, segment_code, month, cohort
