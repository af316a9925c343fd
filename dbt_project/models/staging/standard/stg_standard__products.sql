{{ from_contract('standard', 'products') }}
