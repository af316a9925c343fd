{{ config(location=var('run_dir') ~ '/marts/silent.parquet') }}

{{ marts_scheme(
    'silent',
    features=[
        'orders_life', 'recency_days', 'interactions_90d', 'interaction_coverage', 'visits_90d', 'opens_90d',
        'replies_90d', 'last_good_contact_on', 'consent_marketing', 'has_valid_contact',
    ],
    scores=[
        'silent_flag', 'silent_kind', 'churn_level',
    ],
    words={'silent_kind': 'segment', 'churn_level': 'level'},
) }}
