{{ from_contract('planted', 'products') }}
