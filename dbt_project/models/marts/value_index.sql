{{ config(location=var('run_dir') ~ '/marts/value_index.parquet') }}

{{ marts_scheme(
    'value_index',
    features=[
        'orders_life', 'orders_w', 'net_w', 'crv',
    ],
    scores=['net_rank', 'orders_rank', 'crv_rank', 'value_index', 'value_index_coverage', 'is_high_value'],
) }}
