with

feedback as (
    {{ versions('complete_journey', 'feedback') }}
),

renamed as (
    select
        'complete_journey' as source,
        feedback_id,
        cast({{ text('household_id') }} as bigint) as customer_id,
        lower({{ text('channel') }}) as channel,
        {{ code('kind') }} as kind,
        lower({{ text('topic') }}) as topic,
        {{ text('text') }} as text,
        cast({{ text('rating') }} as integer) as rating,
        cast({{ local_time('created_at', 'complete_journey', 'feedback') }} as date) as created_on,
        {{ local_time(text('first_response_at'), 'complete_journey', 'feedback') }} as first_response_at,
        {{ local_time(text('resolved_at'), 'complete_journey', 'feedback') }} as resolved_at,
        cast({{ text('related_basket_id') }} as bigint) as related_order_id,
        known_from_on,
        known_until_on
    from feedback
)

select * from renamed
