{{ from_contract('planted', 'market') }}
