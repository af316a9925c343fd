{{ config(materialized='view') }}

{{ union_of_sources('order_lines', ['complete_journey', 'bench'], {
    'source': 'varchar',
    'order_id': id_type(),
    'line_id': id_type(),
    'customer_id': id_type(),
    'ordered_at': 'timestamp',
    'ordered_on': 'date',
    'product_id': id_type(),
    'quantity': 'decimal(18, 3)',
    'list_amount': 'decimal(18, 2)',
    'discount_amount': 'decimal(18, 2)',
    'net_amount': 'decimal(18, 2)',
    'cost_amount': 'decimal(18, 2)',
    'currency': 'varchar',
    'status': 'varchar',
    'channel': 'varchar',
    'store_id': 'varchar',
    'is_excluded': 'boolean',
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
