{{ from_contract('standard', 'returns') }}
