{{ config(location=var('run_dir') ~ '/marts/membership.parquet') }}

{{ marts_scheme(
    'membership',
    features=[
        'is_member', 'member_level', 'points_balance', 'points_expiring_30d', 'redemption_rate',
        'last_points_days', 'recency_days',
    ],
) }}
