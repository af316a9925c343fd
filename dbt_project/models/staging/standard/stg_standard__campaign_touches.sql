{{ campaign_touches_from_contract('standard') }}
