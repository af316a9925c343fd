{{ config(location=var('run_dir') ~ '/marts/decision_stage.parquet') }}

{{ marts_scheme(
    'decision_stage',
    features=[
        'recency_days', 'last_order_on', 'awareness_steps_30d', 'cognition_steps_30d',
        'consideration_steps_30d', 'decision_steps_30d', 'views_30d', 'top_viewed_category', 'view_to_buy',
        'last_return_days', 'last_complaint_days', 'last_satisfied_days',
    ],
    scores=[
        'stage_basis', 'outcome',
    ],
    words={'stage_basis': 'basis', 'outcome': 'outcome'},
) }}
