{{ from_contract('standard', 'social') }}
