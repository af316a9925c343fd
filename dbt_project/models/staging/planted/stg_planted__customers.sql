{{ from_contract('planted', 'customers') }}
