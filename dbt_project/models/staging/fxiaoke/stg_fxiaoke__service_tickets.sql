{{ fxiaoke_service_tickets('fxiaoke') }}
