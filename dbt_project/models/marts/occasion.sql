{{ config(location=var('run_dir') ~ '/marts/occasion.parquet') }}

{{ marts_scheme(
    'occasion',
    features=[
        'customer_kind', 'orders_w', 'business_orders_w', 'family_size', 'net_w', 'family_net_w', 'age_band', 'basic_coverage',
    ],
    words={'customer_kind': 'customer_360.customer_kind', 'age_band': 'customer_360.age_band'},
) }}
