{{ from_contract('standard', 'feedback') }}
