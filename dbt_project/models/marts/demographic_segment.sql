{{ config(location=var('run_dir') ~ '/marts/demographic_segment.parquet') }}

{{ marts_scheme(
    'demographic_segment',
    features=[
        'customer_kind', 'age_band', 'gender', 'income_band', 'occupation', 'education', 'family_size', 'industry',
        'company_size_band', 'basic_coverage',
    ],
    words={'customer_kind': 'customer_360.customer_kind', 'age_band': 'customer_360.age_band', 'gender': 'customer_360.gender'},
) }}
