{{ from_contract('planted', 'survey_responses') }}
