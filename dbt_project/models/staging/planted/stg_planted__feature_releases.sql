{{ from_contract('planted', 'feature_releases') }}
