{{ fxiaoke_orders('fxiaoke') }}
