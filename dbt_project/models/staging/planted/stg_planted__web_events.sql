{{ from_contract('planted', 'web_events') }}
