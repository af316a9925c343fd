{{ from_contract('standard', 'campaigns') }}
