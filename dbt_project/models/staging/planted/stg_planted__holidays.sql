{{ from_contract('planted', 'holidays') }}
