{{ from_contract('planted', 'loyalty_points') }}
