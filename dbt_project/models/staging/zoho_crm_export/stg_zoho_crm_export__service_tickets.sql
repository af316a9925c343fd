{{ zoho_crm_service_tickets('zoho_crm_export') }}
