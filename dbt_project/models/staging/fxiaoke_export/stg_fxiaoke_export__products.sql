{{ fxiaoke_products('fxiaoke_export') }}
