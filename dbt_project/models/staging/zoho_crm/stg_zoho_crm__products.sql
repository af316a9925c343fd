{{ zoho_crm_products('zoho_crm') }}
