{{ from_contract('planted', 'campaigns') }}
