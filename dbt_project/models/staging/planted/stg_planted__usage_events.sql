with

-- devices report as Parquet, whose columns have their types already
versions as (
    {{ versions('planted', 'usage_events') }}
),

renamed as (
    select
        'planted' as source,
        customer_id,
        product_id,
        feature,
        scenario,
        {{ local_time('event_at', 'planted', 'usage_events') }} as event_at,
        cast({{ local_time('event_at', 'planted', 'usage_events') }} as date) as event_on,
        duration_s,
        known_from_on,
        known_until_on
    from versions
)

select * from renamed
