{{ config(location=var('run_dir') ~ '/marts/barrier.parquet') }}

{{ marts_scheme(
    'barrier',
    features=[
        'orders_life', 'net_life', 'tenure_days', 'barrier_stated', 'barrier_stated_days', 'stop_reason_stated',
        'stop_reason_stated_days', 'lost_to_stated', 'lost_to_stated_days', 'product_experience_evidence',
        'after_sales_evidence', 'feature_gap_evidence', 'price_evidence', 'unbought_after_rise_share',
    ],
    scores=['purchase_group', 'maturity', 'barrier_basis', 'stated_age_days'],
    words={
        'barrier_stated': 'segment', 'stop_reason_stated': 'segment', 'purchase_group': 'purchase_group.segment',
        'maturity': 'purchase_group.maturity', 'barrier_basis': 'basis',
    },
) }}
