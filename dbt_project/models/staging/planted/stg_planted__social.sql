{{ from_contract('planted', 'social') }}
