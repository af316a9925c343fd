{{ from_contract('standard', 'regions') }}
