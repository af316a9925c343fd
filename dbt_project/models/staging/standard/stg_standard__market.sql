{{ from_contract('standard', 'market') }}
