{{ fxiaoke_orders('fxiaoke_export') }}
