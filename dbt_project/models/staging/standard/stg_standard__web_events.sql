{{ from_contract('standard', 'web_events') }}
