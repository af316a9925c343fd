{{ config(location=var('run_dir') ~ '/marts/referral.parquet') }}
{{ marts_scheme(
    'referral',
    features=[
        'invites_365d', 'invites_converted_365d', 'conversions_365d', 'conversions_life', 'self_referrals_life',
        'referral_channel', 'crv', 'crv_basis', 'nps_last',
    ],
    scores=['referral_conversion', 'additive', 'loyalty_index', 'satisfaction_index', 'nps_class', 'is_potential_referrer'],
    words={'crv_basis': 'basis'},
) }}
