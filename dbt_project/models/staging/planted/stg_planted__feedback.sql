{{ from_contract('planted', 'feedback') }}
