{{ config(location=var('run_dir') ~ '/marts/price_sensitivity.parquet') }}

{{ marts_scheme(
    'price_sensitivity',
    features=[
        'orders_w', 'listed_orders_w', 'discount_count_share', 'discount_value_share', 'dsi_value',
        'full_price_share', 'promotion_order_share',
    ],
    scores=['dsi_decile'],
) }}
