{{ campaign_touches_from_contract('planted') }}
