{{ fxiaoke_returns('fxiaoke') }}
