{{ config(materialized='table') }}

{{ union_of_sources('survey_responses', ['complete_journey'], {
    'source': 'varchar',
    'survey_id': 'varchar',
    'wave': 'varchar',
    'customer_id': id_type(),
    'question_id': 'varchar',
    'question_kind': 'varchar',
    'attribute': 'varchar',
    'answer': 'varchar',
    'answered_on': 'date',
    'channel': 'varchar',
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
