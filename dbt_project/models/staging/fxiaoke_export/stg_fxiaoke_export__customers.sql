{{ fxiaoke_customers('fxiaoke_export') }}
