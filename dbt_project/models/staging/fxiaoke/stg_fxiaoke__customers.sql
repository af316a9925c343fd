{{ fxiaoke_customers('fxiaoke') }}
