{{ config(location=var('run_dir') ~ '/marts/purchase_channel.parquet') }}

{{ marts_scheme(
    'purchase_channel',
    features=[
        'channel_orders_w', 'unmapped_channel_orders_w', 'preferred_channel', 'preferred_channel_share',
        'channel_entropy', 'preferred_payment', 'preferred_delivery',
    ],
    scores=['is_multichannel'],
    words={'preferred_channel': 'segment'},
) }}
