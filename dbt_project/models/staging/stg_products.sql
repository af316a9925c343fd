{{ config(materialized='table') }}

{{ union_of_sources('products', ['complete_journey', 'bench'], {
    'source': 'varchar',
    'product_id': id_type(),
    'category': 'varchar',
    'department': 'varchar',
    'brand': 'varchar',
    'product_name': 'varchar',
    'package_size': 'varchar',
    'is_gift_card': 'boolean',
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
