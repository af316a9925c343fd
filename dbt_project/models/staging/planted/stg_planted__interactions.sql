{{ from_contract('planted', 'interactions') }}
