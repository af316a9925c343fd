{{ from_contract('standard', 'service_tickets') }}
