{{ config(location=var('run_dir') ~ '/marts/interaction.parquet') }}

{{ marts_scheme(
    'interaction',
    features=[
        'attention_points_90d', 'visits_90d', 'opens_90d', 'clicks_90d', 'replies_90d',
    ],
    scores=[
        'attention_score', 'attention_basis',
    ],
    words={'attention_basis': 'basis'},
) }}
