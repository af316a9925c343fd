{{ config(location=var('run_dir') ~ '/marts/brand_affinity.parquet') }}

{{ marts_scheme(
    'brand_affinity',
    features=[
        'brands_w', 'brand_purchases_w', 'top_brand', 'top_brand_share', 'brand_hhi', 'brand_concentration',
        'brand_repeat_rate', 'brand_loyalty_stated', 'top_category', 'top_category_share', 'second_category',
        'second_category_share', 'third_category', 'third_category_share', 'category_hhi',
    ],
    scores=['brand_affinity_basis'],
    words={'brand_affinity_basis': 'basis'},
) }}
