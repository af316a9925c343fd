{{ from_contract('planted', 'referrals') }}
