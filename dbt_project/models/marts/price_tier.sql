{{ config(location=var('run_dir') ~ '/marts/price_tier.parquet') }}

{{ marts_scheme(
    'price_tier',
    features=[
        'priced_lines_w', 'price_level', 'premium_line_share', 'budget_stated', 'income_band',
    ],
    scores=['price_tier_basis'],
    words={'budget_stated': 'psychographic.budget_stated', 'price_tier_basis': 'basis'},
) }}
