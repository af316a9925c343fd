{{ from_contract('standard', 'orders') }}
