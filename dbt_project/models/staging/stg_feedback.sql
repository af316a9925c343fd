{{ config(materialized='table') }}

{{ union_of_sources('feedback', ['complete_journey'], {
    'source': 'varchar',
    'feedback_id': 'varchar',
    'customer_id': id_type(),
    'channel': 'varchar',
    'kind': 'varchar',
    'topic': 'varchar',
    'rating': 'integer',
    'created_on': 'date',
    'first_response_at': 'timestamp',
    'resolved_at': 'timestamp',
    'related_order_id': id_type(),
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
