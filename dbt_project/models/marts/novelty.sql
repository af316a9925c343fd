{{ config(location=var('run_dir') ~ '/marts/novelty.parquet') }}

{{ marts_scheme(
    'novelty',
    features=[
        'launched_lines_365d', 'new_product_share_365d',
    ],
    scores=['novelty_rank'],
) }}
