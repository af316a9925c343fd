{{ from_contract('planted', 'regions') }}
