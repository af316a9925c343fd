with

-- devices report as Parquet, whose columns have their types already: local time, whole seconds
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
        event_at,
        cast(event_at as date) as event_on,
        duration_s,
        known_from_on,
        known_until_on
    from versions
)

select * from renamed
