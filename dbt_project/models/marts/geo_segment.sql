{{ config(location=var('run_dir') ~ '/marts/geo_segment.parquet') }}

{{ marts_scheme(
    'geo_segment',
    features=[
        'country', 'province', 'city', 'geo_basis', 'city_match', 'city_tier', 'city_tier_basis', 'city_list_year', 'urban_rural',
        'climate_zone', 'city_size_band', 'culture_zone', 'policy_tags', 'green_region', 'supported_industry', 'geo_coverage',
    ],
    words={
        'geo_basis': 'geo_basis',
        'city_match': 'city_match',
        'city_tier': 'segment',
        'city_tier_basis': 'city_match',
        'urban_rural': 'urban_rural',
        'climate_zone': 'climate_zone',
        'city_size_band': 'city_size_band',
        'culture_zone': 'culture_zone',
    },
) }}
