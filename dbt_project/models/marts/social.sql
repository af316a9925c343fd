{{ config(location=var('run_dir') ~ '/marts/social.parquet') }}

{{ marts_scheme(
    'social',
    features=[
        'shares_365d', 'comments_365d', 'likes_365d', 'reach_365d', 'influence_points_365d',
    ],
    scores=[
        'influence_score',
    ],
) }}
