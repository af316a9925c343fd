{{ config(location=var('run_dir') ~ '/marts/channel_region_mix.parquet') }}

with

months as (
    select *
    from {{ ref('feat_channel_month') }}
    where as_of = {{ marts_as_of() }}
),

channels as (
    {{ marts_labels('channel_region_mix', 'channel') }}
),

tiers as (
    {{ marts_labels('geo_segment', 'segment') }}
),

labelled as (
    select
        months.month,
        months.channel,
        months.country,
        months.province,
        months.city_tier,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        channels.label_zh as channel_label_zh,
        channels.label_en as channel_label_en,
        tiers.label_zh as city_tier_label_zh,
        tiers.label_en as city_tier_label_en,
        months.orders,
        months.customers,
        months.net_amount,
        cast(
            round(months.net_amount / nullif(sum(months.net_amount) over (partition by months.month), 0), 6)
            as decimal(9, 6)
        ) as net_share,
        last_day(months.month) < {{ marts_as_of() }} as is_month_complete
    from months
    left join channels on months.channel = channels.code
    left join tiers on months.city_tier = tiers.code
)

select * from labelled
order by month, channel, country, province, city_tier
