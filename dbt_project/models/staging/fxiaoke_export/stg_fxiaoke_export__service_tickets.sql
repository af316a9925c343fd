{{ fxiaoke_service_tickets('fxiaoke_export') }}
