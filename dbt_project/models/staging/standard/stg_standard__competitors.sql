{{ from_contract('standard', 'competitors') }}
