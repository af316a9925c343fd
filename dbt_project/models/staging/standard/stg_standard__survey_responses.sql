{{ from_contract('standard', 'survey_responses') }}
