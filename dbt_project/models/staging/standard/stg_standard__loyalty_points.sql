{{ from_contract('standard', 'loyalty_points') }}
