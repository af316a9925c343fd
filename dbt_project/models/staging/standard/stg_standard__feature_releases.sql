{{ from_contract('standard', 'feature_releases') }}
