{{ config(location=var('run_dir') ~ '/marts/loyalty.parquet') }}
{{ marts_scheme(
    'loyalty',
    features=[
        'orders_w', 'tenure_days', 'gap_cv', 'brand_hhi', 'category_hhi', 'invites_365d', 'conversions_365d', 'nps_last',
        'constructive_feedback_365d', 'unresolved_complaints_365d', 'repurchase_intent_last', 'stated_loyalty',
    ],
    scores=[
        'loyalty_index', 'loyalty_coverage', 'frequency_part', 'regularity_part', 'concentration_part',
        'concentration_basis', 'referral_part', 'feedback_part', 'stated_part', 'loyalty_index_180d_ago',
        'loyalty_rise_180d', 'potential_loyal',
    ],
    words={'concentration_basis': 'concentration_basis'},
) }}
