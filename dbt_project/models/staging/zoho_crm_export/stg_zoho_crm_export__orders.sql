{{ zoho_crm_orders('zoho_crm_export') }}
