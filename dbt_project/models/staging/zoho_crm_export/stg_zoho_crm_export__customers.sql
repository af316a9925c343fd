{{ zoho_crm_customers('zoho_crm_export') }}
