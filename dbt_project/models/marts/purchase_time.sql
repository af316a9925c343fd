{{ config(location=var('run_dir') ~ '/marts/purchase_time.parquet') }}

{{ marts_scheme(
    'purchase_time',
    features=[
        'timed_orders_w', 'share_morning', 'share_noon', 'share_evening', 'share_night', 'weekend_share',
    ],
    scores=['preferred_time_share'],
) }}
