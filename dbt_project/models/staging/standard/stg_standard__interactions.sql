{{ from_contract('standard', 'interactions') }}
