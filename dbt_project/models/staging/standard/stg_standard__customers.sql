{{ from_contract('standard', 'customers') }}
