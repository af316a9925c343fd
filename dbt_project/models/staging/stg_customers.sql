{{ config(materialized='table') }}

{{ union_of_sources('customers', ['complete_journey'], {
    'source': 'varchar',
    'customer_id': id_type(),
    'age': 'decimal(4, 1)',
    'age_band': 'varchar',
    'gender': 'varchar',
    'income_band': 'varchar',
    'occupation': 'varchar',
    'education': 'varchar',
    'family_size': 'integer',
    'customer_kind': 'varchar',
    'is_member': 'boolean',
    'member_level': 'varchar',
    'consent_marketing': 'boolean',
    'updated_on': 'date',
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
