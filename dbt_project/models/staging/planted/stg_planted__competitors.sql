{{ from_contract('planted', 'competitors') }}
