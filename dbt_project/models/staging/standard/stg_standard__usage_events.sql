{{ from_contract('standard', 'usage_events') }}
