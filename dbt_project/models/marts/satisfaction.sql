{{ config(location=var('run_dir') ~ '/marts/satisfaction.parquet') }}
{{ marts_scheme(
    'satisfaction',
    features=[
        'csat_score', 'csat_weight', 'nps_score', 'nps_weight', 'review_score', 'review_weight', 'nps_last',
        'complaints_365d', 'complaints_180d', 'unresolved_complaints_365d', 'reorder_days_after_complaint',
        'shipped_orders_365d', 'shipped_365d', 'returned_of_shipped_365d', 'return_rate_180d', 'opinions_365d',
    ],
    scores=[
        'satisfaction_index', 'satisfaction_basis', 'satisfaction_coverage', 'attitude', 'behaviour', 'nps_class',
        'complaint_share', 'return_rate_value', 'unresolved_share', 'tau_days', 'reorder_bonus', 'dissatisfied_flag',
        'dissatisfied_reasons',
    ],
    words={'satisfaction_basis': 'basis', 'nps_class': 'nps_class'},
) }}
