{{ from_contract('standard', 'referrals') }}
