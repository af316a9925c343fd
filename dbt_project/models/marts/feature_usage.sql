{{ config(location=var('run_dir') ~ '/marts/feature_usage.parquet') }}

with

features as (
    select * from {{ ref('feat_usage_feature') }}
),

levels as (
    {{ marts_labels('feature_usage', 'use_level') }}
),

rated as (
    select
        cast(product_id as varchar) as product_id,
        feature,
        users,
        active_users,
        cast(round(cast(users as double) / active_users, 6) as decimal(7, 6)) as usage_rate,
        uses,
        -- in decimals: ten users of exactly a hundred are a tenth, and no low use
        case
            when active_users < {{ var('low_use_min_users') }} then 'too_few_users'
            when users < active_users * cast({{ var('low_use_share') }} as decimal(6, 4)) then 'low'
            else 'common'
        end as use_level
    from features
),

labelled as (
    select
        rated.product_id,
        rated.feature,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        rated.users,
        rated.active_users,
        rated.usage_rate,
        cast(rated.uses as bigint) as uses,
        rated.use_level = 'low' as low_use_flag,
        rated.use_level,
        levels.label_zh as use_level_label_zh,
        levels.label_en as use_level_label_en
    from rated
    left join levels on rated.use_level = levels.code
)

select * from labelled
order by product_id, feature
