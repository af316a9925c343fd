{{ config(location=var('run_dir') ~ '/marts/churn_backtest.parquet') }}

with

tested as (
    select * from {{ source('judged_by', 'churn_backtest') }}
),

in_force as (
    select * from {{ source('judged_by', 'churn_model') }}
),

scores as (
    select * from {{ source('scores', 'churn_probability') }}
    where churn_probability is not null
),

-- what is expected of the day's own customers, beside what came of those before; millionths add up alike in any order
per_band as (
    select
        churn_version,
        churn_band as band,
        count(*) as n,
        sum(cast(round(churn_probability * 1000000) as hugeint)) as millionths
    from scores
    group by churn_version, churn_band
),

expected as (
    select * from per_band
    union all
    select
        churn_version,
        'all' as band,
        sum(n) as n,
        sum(millionths) as millionths
    from per_band
    group by churn_version
),

of_the_day as (
    select
        expected.churn_version,
        in_force.trained_as_of,
        {{ marts_as_of() }} as cutoff,
        in_force.model_kind as model,
        false as is_baseline,
        expected.band,
        in_force.season,
        cast(null as double) as base_rate,
        cast(null as double) as auc,
        cast(null as double) as ap,
        cast(null as double) as brier,
        cast(null as double) as ece,
        cast(null as double) as lift,
        cast(expected.n as bigint) as n,
        round(expected.millionths / 1000000.0, 3) as expected_true,
        round(expected.n - expected.millionths / 1000000.0, 3) as expected_false,
        cast(null as bigint) as realised_true,
        cast(null as bigint) as realised_false
    from expected
    inner join in_force on expected.churn_version = in_force.churn_version
),

together as (
    select * from tested
    union all
    select * from of_the_day
),

-- no_purchase_45d is the rule "no purchase in 45 days"
named as (
    select
        *,
        regexp_replace(model, '_[0-9]+d$', '') as model_code,
        try_cast(regexp_extract(model, '_([0-9]+)d$', 1) as integer) as quiet_days
    from together
),

models as (
    {{ marts_labels('churn_probability', 'model') }}
),

bands as (
    {{ marts_labels('churn_probability', 'band') }}
),

seasons as (
    {{ marts_labels('churn_probability', 'season') }}
),

labelled as (
    select
        named.churn_version,
        named.cutoff as cutoff_on,
        named.model_code as model,
        coalesce(named.quiet_days, 0) as quiet_days,
        named.band,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        models.label_zh as model_label_zh,
        models.label_en as model_label_en,
        bands.label_zh as band_label_zh,
        bands.label_en as band_label_en,
        named.is_baseline,
        named.realised_true is null as is_forecast,
        named.trained_as_of,
        named.season,
        seasons.label_zh as season_label_zh,
        seasons.label_en as season_label_en,
        named.base_rate,
        named.auc,
        named.ap,
        named.brier,
        named.ece,
        named.lift,
        named.n as customers,
        named.expected_true,
        named.expected_false,
        named.realised_true,
        named.realised_false,
        round(cast(named.realised_true as double) / nullif(named.n, 0), 6) as realised_rate
    from named
    left join models on named.model_code = models.code
    left join bands on named.band = bands.code
    left join seasons on named.season = seasons.code
)

select * from labelled
order by churn_version, cutoff_on, model, quiet_days, band
