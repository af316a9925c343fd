{{ config(materialized='table') }}

{{ union_of_sources('returns', ['complete_journey', 'bench'], {
    'source': 'varchar',
    'return_id': 'varchar',
    'customer_id': id_type(),
    'order_id': id_type(),
    'line_id': id_type(),
    'returned_on': 'date',
    'quantity': 'decimal(18, 3)',
    'amount': 'decimal(18, 2)',
    'reason_code': 'varchar',
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
