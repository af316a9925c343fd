{{ from_contract('planted', 'usage_events') }}
