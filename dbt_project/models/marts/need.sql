{{ config(location=var('run_dir') ~ '/marts/need.parquet') }}

{{ marts_scheme(
    'need',
    features=[
        'orders_w', 'stated_price', 'stated_price_days', 'stated_function', 'stated_function_days', 'stated_service',
        'stated_service_days', 'stated_quality_brand', 'stated_quality_brand_days', 'stated_experience',
        'stated_experience_days', 'dsi_value', 'discount_count_share', 'promotion_order_share',
        'unbought_after_rise_share', 'topic_items_365d', 'function_items_365d', 'function_share_365d', 'feature_breadth',
        'compares_90d', 'service_items_365d', 'service_share_365d', 'service_contacts_per_order',
        'installs_repairs_per_order', 'premium_line_share', 'brand_hhi', 'experience_items_365d', 'experience_share_365d',
        'new_product_share_365d',
    ],
    scores=[
        'price_score', 'function_score', 'service_score', 'quality_brand_score', 'experience_score', 'has_price_need',
        'has_function_need', 'has_service_need', 'has_quality_brand_need', 'has_experience_need', 'primary_need',
        'secondary_need', 'need_lead', 'need_basis', 'need_stated_days', 'sub_need', 'need_coverage',
    ],
    words={
        'primary_need': 'segment', 'secondary_need': 'segment', 'need_basis': 'basis',
        'sub_need': 'feedback.subtopic',
    },
) }}
