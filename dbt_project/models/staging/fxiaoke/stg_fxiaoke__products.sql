{{ fxiaoke_products('fxiaoke') }}
