{{ from_contract('standard', 'holidays') }}
