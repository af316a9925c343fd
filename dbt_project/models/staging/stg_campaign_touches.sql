{{ config(materialized='table') }}

{{ union_of_sources('campaign_touches', ['complete_journey'], {
    'source': 'varchar',
    'kind': 'varchar',
    'campaign_id': 'varchar',
    'customer_id': id_type(),
    'coupon_id': 'varchar',
    'touched_on': 'date',
    'ended_on': 'date',
    'known_from_on': 'date',
    'known_until_on': 'date',
}) }}
