-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/customer_360.parquet') }}

{#- what the wide table takes of a scheme's table beside the segment -#}
{%- set more = {
    'rfm': ['rfm_code', 'rfm8_code', 'rfm8_label_zh', 'rfm8_label_en'],
    'satisfaction': ['satisfaction_index'],
    'loyalty': ['loyalty_index', 'potential_loyal'],
    'churn_flag': ['flag_churn_risk'],
} -%}
{%- set expected = ['p_alive', 'expected_orders_90d', 'expected_revenue_90d', 'clv', 'next_order_on'] -%}
{%- set tables = marts_scheme_tables() -%}

with

customers as (
    select * from {{ ref('customer_features') }}
),

-- Every table holds the customers of the features in their order, so they are laid side by side: no join, nothing to
-- sort, and next to no memory. Where one does not, the build stops.
sections as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        -- basic
        customers.age_band,
        demographic_segment.age_band_label_zh,
        demographic_segment.age_band_label_en,
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
        customer_value.{{ column }},
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
        {%- for table, columns in more.items() %}
        {%- for column in columns %}
        {{ table }}.{{ column }},
        {%- endfor %}
        {%- endfor %}
        {%- for scheme, table in tables.items() %}
        {{ table }}.segment_code as {{ scheme }}_segment_code,
        {{ table }}.label_zh as {{ scheme }}_label_zh,
        {{ table }}.label_en as {{ scheme }}_label_en{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    {%- for table in tables.values() %}
    positional join {{ ref(table) }} as {{ table }}
    {%- endfor %}
    positional join {{ ref('customer_value') }} as customer_value
    where
        {{ same_customer('customers', 'customer_value', 'customer_value') }}
        {%- for table in tables.values() %}
        and {{ same_customer('customers', table, table) }}
        {%- endfor %}
)

select * from sections
