{{ config(location=var('run_dir') ~ '/marts/psychographic.parquet') }}

{{ marts_scheme(
    'psychographic',
    features=[
        'lifestyle_group', 'lifestyle_basis', 'lifestyle_source', 'lifestyle_age_days', 'has_lifestyle_answer', 'life_value',
        'life_value_age_days', 'motive_stated', 'motive_age_days', 'budget_stated', 'employment_stated', 'employment_age_days',
        'top_category', 'second_category', 'third_category', 'interest_source', 'recency_days',
    ],
    words={
        'lifestyle_group': 'segment',
        'lifestyle_basis': 'lifestyle_basis',
        'lifestyle_source': 'source',
        'life_value': 'life_value',
        'motive_stated': 'motive',
        'employment_stated': 'employment',
        'interest_source': 'source',
    },
) }}
