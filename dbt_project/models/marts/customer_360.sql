-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/customer_360.parquet') }}

{#- what the wide table takes of a scheme's scores beside the segment -#}
{%- set beside = {
    'rfm': ['rfm_code', 'rfm8_code'],
    'satisfaction': ['satisfaction_index'],
    'loyalty': ['loyalty_index', 'potential_loyal'],
} -%}
{%- set expected = ['p_alive', 'expected_orders_90d', 'expected_revenue_90d', 'clv', 'next_order_on'] -%}
{%- set schemes = marts_scheme_tables().keys() | list %}

with

customers as (
    select * from {{ ref('customer_features') }}
),

age_bands as (
    {{ marts_labels('customer_360', 'age_band') }}
),

cells as (
    {{ marts_labels('rfm', 'rfm8') }}
),

{% for scheme in schemes %}
{{ scheme }}_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code
        {%- for column in beside.get(scheme, []) %},
        {{ column }}
        {%- endfor %}
    from {{ source('scores', scheme) }}
),

{{ scheme }}_segments as (
    {{ marts_labels(scheme, 'segment') }}
),

{% endfor %}
churn_scores as (
    select
        customer_id,
        as_of,
        known_on,
        churn_probability
    from {{ source('scores', 'churn_probability') }}
),

value_scores as (
    select
        customer_id,
        as_of,
        known_on,
        p_alive,
        expected_orders_90d,
        expected_revenue_90d,
        clv,
        next_order_on
    from {{ source('scores', 'customer_value') }}
),

churn_levels as (
    select
        customer_id,
        as_of,
        known_on,
        flag_churn_risk
    from {{ source('scores', 'churn_level') }}
),

churn_model as (
    select * from {{ source('judged_by', 'churn_model') }}
),

-- Every score file holds the customers of the features in their order: laid side by side, 25 of them take a third of
-- the memory and half the time of 25 joins on text (1M customers). A file with a row too few or too many gives nulls
-- from there on, and the audit stops the day. Codes only: the words are joined to the few codes afterwards.
sections as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        -- basic
        customers.age_band,
        customers.gender,
        customers.income_band,
        customers.occupation,
        customers.education,
        customers.family_size,
        customers.customer_kind,
        customers.industry,
        customers.company_size_band,
        customers.country,
        customers.province,
        customers.city,
        customers.city_tier,
        customers.urban_rural,
        customers.basic_coverage,
        -- purchase
        customers.orders_life,
        customers.orders_w,
        customers.orders_30d,
        customers.orders_90d,
        customers.orders_previous_90d,
        customers.net_life,
        customers.net_w,
        customers.net_30d,
        customers.net_90d,
        customers.net_previous_90d,
        customers.net_previous_270d,
        customers.first_order_on,
        customers.last_order_on,
        customers.recency_days,
        customers.tenure_days,
        customers.aov_w,
        customers.occasions_life,
        customers.second_order_days,
        customers.gap_median_days,
        customers.last_gap_days,
        customers.list_w,
        customers.discount_w,
        customers.discount_orders_w,
        customers.categories_w,
        customers.top_category,
        customers.margin_w,
        customers.cost_coverage_w,
        customers.return_amount_w,
        customers.dsi_value,
        customers.promotion_order_share,
        customers.price_level,
        customers.new_product_share_365d,
        customers.weekend_share,
        customers.preferred_payment,
        customers.preferred_delivery,
        customers.top_brand,
        customers.brand_hhi,
        customers.purchase_coverage,
        -- what is expected of them
        {%- for column in expected %}
        case when {{ marts_same_customer('value_scores') }} then value_scores.{{ column }} end as {{ column }},
        {%- endfor %}
        -- usage
        customers.usage_days_30d,
        customers.last_used_on,
        customers.usage_hour_band,
        customers.top_scenario,
        customers.feature_breadth,
        customers.usage_coverage,
        -- feedback
        customers.complaints_365d,
        customers.suggestions_365d,
        customers.reviews_365d,
        customers.enquiries_365d,
        customers.open_complaints,
        customers.rating_mean_365d,
        customers.csat_last,
        customers.nps_last,
        customers.returns_365d,
        customers.return_amount_365d,
        customers.last_feedback_on,
        customers.opinions_365d,
        customers.crv,
        customers.feedback_coverage,
        -- contact
        customers.campaigns_365d,
        customers.coupons_redeemed_365d,
        customers.last_contact_on,
        customers.consent_marketing,
        customers.contacts_30d,
        customers.reply_rate,
        customers.last_contact_days,
        customers.last_good_contact_on,
        customers.views_30d,
        customers.top_viewed_category,
        customers.view_to_buy,
        customers.is_member,
        customers.member_level,
        customers.points_balance,
        customers.points_expiring_30d,
        customers.contact_coverage,
        -- groups
        case
            when {{ marts_same_customer('churn_levels') }} and {{ marts_same_customer('churn_scores') }}
                then churn_levels.flag_churn_risk
        end as flag_churn_risk,
        case when {{ marts_same_customer('churn_scores') }} then churn_scores.churn_probability end as churn_probability,
        {%- for scheme, columns in beside.items() %}
        {%- for column in columns %}
        case when {{ marts_same_customer(scheme ~ '_scores') }} then {{ scheme }}_scores.{{ column }} end as {{ column }},
        {%- endfor %}
        {%- endfor %}
        {%- for scheme in schemes %}
        case when {{ marts_same_customer(scheme ~ '_scores') }} then {{ scheme }}_scores.segment_code end
            as {{ scheme }}_segment_code{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    {%- for scheme in schemes %}
    positional join {{ scheme }}_scores
    {%- endfor %}
    positional join churn_levels
    positional join churn_scores
    positional join value_scores
),

-- The cut is asked for here: beside the files themselves, whose size DuckDB does not know, it would copy every wide row.
labelled as (
    select
        sections.* exclude (churn_probability) replace (
            sections.flag_churn_risk
            or coalesce(sections.churn_probability >= (select max(cut) from churn_model), false) as flag_churn_risk
        ),
        age_bands.label_zh as age_band_label_zh,
        age_bands.label_en as age_band_label_en,
        cells.label_zh as rfm8_label_zh,
        cells.label_en as rfm8_label_en,
        {%- for scheme in schemes %}
        {{ scheme }}_segments.label_zh as {{ scheme }}_label_zh,
        {{ scheme }}_segments.label_en as {{ scheme }}_label_en{{ ',' if not loop.last }}
        {%- endfor %}
    from sections
    left join age_bands on sections.age_band = age_bands.code
    left join cells on sections.rfm8_code = cells.code
    {%- for scheme in schemes %}
    left join {{ scheme }}_segments on sections.{{ scheme }}_segment_code = {{ scheme }}_segments.code
    {%- endfor %}
)

select * from labelled
order by customer_id
