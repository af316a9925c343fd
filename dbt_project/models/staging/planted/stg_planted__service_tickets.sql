{{ from_contract('planted', 'service_tickets') }}
