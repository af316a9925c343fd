{{ from_contract('planted', 'returns') }}
