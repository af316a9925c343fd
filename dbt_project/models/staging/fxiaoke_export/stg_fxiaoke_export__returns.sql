{{ fxiaoke_returns('fxiaoke_export') }}
