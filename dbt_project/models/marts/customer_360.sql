{{ config(location=var('run_dir') ~ '/marts/customer_360.parquet') }}

{% set schemes = {
    'rfm': 'rfm',
    'purchase_group': 'purchase_group',
    'value_tier': 'value_tier',
    'lifecycle': 'lifecycle',
    'churn_level': 'churn_level',
} %}
{% set sections = {
    'basic': [
        'age_band', 'gender', 'income_band', 'occupation', 'education', 'family_size', 'customer_kind',
        'basic_coverage',
    ],
    'purchase': [
        'orders_life', 'orders_w', 'orders_30d', 'orders_90d', 'orders_previous_90d', 'net_life', 'net_w',
        'net_30d', 'net_90d', 'net_previous_90d', 'net_previous_270d', 'first_order_on', 'last_order_on',
        'recency_days', 'tenure_days', 'aov_w', 'occasions_life', 'second_order_days', 'gap_median_days',
        'last_gap_days', 'list_w', 'discount_w', 'discount_orders_w', 'categories_w', 'top_category', 'margin_w',
        'cost_coverage_w', 'return_amount_w', 'purchase_coverage',
    ],
    'usage': ['usage_days_30d', 'last_used_on', 'usage_coverage'],
    'feedback': [
        'complaints_365d', 'suggestions_365d', 'reviews_365d', 'enquiries_365d', 'open_complaints',
        'rating_mean_365d', 'csat_last', 'nps_last', 'returns_365d', 'return_amount_365d', 'last_feedback_on',
        'feedback_coverage',
    ],
    'contact': [
        'campaigns_365d', 'coupons_redeemed_365d', 'last_contact_on', 'consent_marketing', 'contact_coverage',
    ],
} %}

with

customers as (
    select * from {{ ref('customer_features') }}
),

age_bands as (
    {{ marts_labels('customer_360', 'age_band') }}
),

{% for scheme in schemes %}
{{ scheme }}_scores as (
    select
        customer_id,
        as_of,
        known_on,
        segment as segment_code
        {%- if scheme == 'churn_level' %},
        cast(flag_churn_risk as boolean) as flag_churn_risk
        {%- elif scheme == 'rfm' %},
        cast(rfm_code as varchar) as rfm_code,
        cast(rfm8_code as varchar) as rfm8_code
        {%- endif %}
    from {{ source('scores', scheme) }}
),

{{ scheme }}_segments as (
    {{ marts_labels(scheme, 'segment') }}
),

{% endfor %}
cells as (
    {{ marts_labels('rfm', 'rfm8') }}
),

-- codes only: the words are joined to the few codes afterwards, so the wide joins stay narrow
sections as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        {%- for section, columns in sections.items() %}
        {%- for column in columns %}
        customers.{{ column }},
        {%- endfor %}
        {%- endfor %}
        rfm_scores.rfm_code,
        rfm_scores.rfm8_code,
        {%- for scheme in schemes %}
        {{ scheme }}_scores.segment_code as {{ scheme }}_segment_code,
        {%- endfor %}
        churn_level_scores.flag_churn_risk
    from customers
    {%- for scheme in schemes %}
    left join {{ scheme }}_scores
        on
            customers.customer_id = {{ scheme }}_scores.customer_id
            and customers.as_of = {{ scheme }}_scores.as_of
            and customers.known_on = {{ scheme }}_scores.known_on
    {%- endfor %}
),

labelled as (
    select
        sections.*,
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
