{{ zoho_crm_won_deals('zoho_crm_export') }}
