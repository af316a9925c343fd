{{ from_contract('planted', 'orders') }}
