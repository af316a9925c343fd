{{ config(location=var('run_dir') ~ '/marts/usage.parquet') }}

{{ marts_scheme(
    'usage',
    features=[
        'usage_days_30d', 'last_used_on', 'usage_hour_band', 'top_scenario', 'feature_breadth',
        'usage_coverage',
    ],
    words={'usage_hour_band': 'hour_band'},
) }}
