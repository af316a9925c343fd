{{ config(location=var('run_dir') ~ '/marts/churn_flag.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as not materialized (
    select * from {{ source('scores', 'churn_level') }}
),

likely as (
    select * from {{ source('scores', 'churn_probability') }}
),

model as (
    select * from {{ source('judged_by', 'churn_model') }}
),

records as (
    select * from {{ source('judged_by', 'churn_record') }}
    where customers > 0
),

segments as (
    {{ marts_labels('churn_level', 'segment') }}
),

bases as (
    {{ marts_labels('churn_level', 'basis') }}
),

bands as (
    {{ marts_labels('churn_probability', 'band') }}
),

why as (
    {{ marts_labels('churn_probability', 'churn_reason') }}
),

why_bases as (
    {{ marts_labels('churn_probability', 'churn_reason_basis') }}
),

cut_bases as (
    {{ marts_labels('churn_probability', 'cut_basis') }}
),

flag_bases as (
    {{ marts_labels('churn_probability', 'flag_basis') }}
),

record_bases as (
    {{ marts_labels('churn_probability', 'record_basis') }}
),

statuses as (
    {{ marts_labels('churn_probability', 'model_status') }}
),

reasons as (
    {{ marts_reasons('churn_level', 'scores') }}
),

joined as (
    select
        customers.customer_id,
        customers.as_of,
        customers.known_on,
        customers.last_order_on,
        customers.recency_days,
        customers.orders_life,
        customers.occasions_life,
        customers.gaps,
        scores.* exclude (customer_id, as_of, known_on, scheme, flag_churn_risk),
        scores.flag_churn_risk as is_late,
        likely.is_eligible,
        likely.churn_probability,
        likely.churn_band,
        likely.reason_1,
        likely.reason_2,
        likely.reason_3,
        likely.reason_basis,
        likely.churn_version,
        model.definition,
        model.horizon_days,
        model.model_status,
        model.base_rate,
        model.cut,
        model.cut_basis,
        coalesce(likely.churn_probability >= model.cut, false) as is_likely
    from customers
    left join scores
        on
            customers.customer_id = scores.customer_id
            and customers.as_of = scores.as_of
            and customers.known_on = scores.known_on
    left join likely
        on
            customers.customer_id = likely.customer_id
            and customers.as_of = likely.as_of
            and customers.known_on = likely.known_on
    left join model on likely.churn_version = model.churn_version
),

flagged as (
    select
        *,
        is_late or is_likely as flag_churn_risk,
        case
            when is_late and is_likely then 'both'
            when is_late then 'level'
            when is_likely then 'probability'
        end as flag_basis
    from joined
),

-- the record is that of what raised the flag: of the band, but of the level where that alone did, or where the band was
-- never seen in a backtest
recorded as (
    select
        flagged.*,
        case
            when not flagged.is_eligible then 'not_judged'
            when coalesce(flagged.flag_basis, 'band') <> 'level' and of_band.code is not null then 'band'
            when of_level.code is not null then 'level'
            when of_band.code is not null then 'band'
            else 'no_backtest'
        end as record_basis,
        of_band.rate as band_rate,
        of_band.rate_low as band_rate_low,
        of_band.rate_high as band_rate_high,
        of_band.lift as band_lift,
        of_band.customers as band_customers,
        of_band.runs as band_runs,
        of_level.rate as level_rate,
        of_level.rate_low as level_rate_low,
        of_level.rate_high as level_rate_high,
        of_level.lift as level_lift,
        of_level.customers as level_customers,
        of_level.runs as level_runs
    from flagged
    left join records as of_band on flagged.churn_band = of_band.code and of_band.kind = 'band'
    left join records as of_level on flagged.segment = of_level.code and of_level.kind = 'level'
),

labelled as (
    select
        recorded.customer_id,
        recorded.as_of,
        recorded.known_on,
        recorded.last_order_on,
        recorded.recency_days,
        recorded.orders_life,
        recorded.occasions_life,
        recorded.gaps,
        cast(recorded.gap_mu as double) as gap_mu,
        cast(recorded.gap_sigma as double) as gap_sigma,
        cast(recorded.q75_days as double) as q75_days,
        cast(recorded.q90_days as double) as q90_days,
        cast(recorded.q95_days as double) as q95_days,
        cast(recorded.churned_after_days as double) as churned_after_days,
        cast(recorded.basis as varchar) as basis,
        bases.label_zh as basis_label_zh,
        bases.label_en as basis_label_en,
        recorded.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        recorded.flag_churn_risk,
        recorded.flag_basis,
        flag_bases.label_zh as flag_basis_label_zh,
        flag_bases.label_en as flag_basis_label_en,
        recorded.is_eligible,
        recorded.churn_probability,
        recorded.churn_band,
        bands.label_zh as churn_band_label_zh,
        bands.label_en as churn_band_label_en,
        recorded.cut as churn_cut,
        recorded.cut_basis as churn_cut_basis,
        cut_bases.label_zh as churn_cut_basis_label_zh,
        cut_bases.label_en as churn_cut_basis_label_en,
        recorded.definition as churn_definition,
        recorded.horizon_days,
        recorded.model_status,
        statuses.label_zh as model_status_label_zh,
        statuses.label_en as model_status_label_en,
        recorded.base_rate,
        recorded.record_basis,
        record_bases.label_zh as record_basis_label_zh,
        record_bases.label_en as record_basis_label_en,
        case recorded.record_basis
            when 'band' then recorded.band_rate
            when 'level' then recorded.level_rate
        end as record_rate,
        case recorded.record_basis
            when 'band' then recorded.band_rate_low
            when 'level' then recorded.level_rate_low
        end as record_rate_low,
        case recorded.record_basis
            when 'band' then recorded.band_rate_high
            when 'level' then recorded.level_rate_high
        end as record_rate_high,
        case recorded.record_basis
            when 'band' then recorded.band_lift
            when 'level' then recorded.level_lift
        end as record_lift,
        case recorded.record_basis
            when 'band' then recorded.band_customers
            when 'level' then recorded.level_customers
        end as record_customers,
        case recorded.record_basis
            when 'band' then recorded.band_runs
            when 'level' then recorded.level_runs
        end as record_runs,
        {%- for place in [1, 2, 3] %}
        recorded.reason_{{ place }} as churn_reason_{{ place }},
        why_{{ place }}.label_zh as churn_reason_{{ place }}_label_zh,
        why_{{ place }}.label_en as churn_reason_{{ place }}_label_en,
        {%- endfor %}
        recorded.reason_basis as churn_reason_basis,
        why_bases.label_zh as churn_reason_basis_label_zh,
        why_bases.label_en as churn_reason_basis_label_en,
        segments.action_codes,
        recorded.reason_code,
        recorded.reason_params,
        reasons.reason_zh,
        reasons.reason_en,
        recorded.cutpoint_version,
        recorded.churn_version
    from recorded
    left join segments on recorded.segment = segments.code
    left join bases on recorded.basis = bases.code
    left join bands on recorded.churn_band = bands.code
    left join cut_bases on recorded.cut_basis = cut_bases.code
    left join flag_bases on recorded.flag_basis = flag_bases.code
    left join record_bases on recorded.record_basis = record_bases.code
    left join statuses on recorded.model_status = statuses.code
    {%- for place in [1, 2, 3] %}
    left join why as why_{{ place }} on recorded.reason_{{ place }} = why_{{ place }}.code
    {%- endfor %}
    left join why_bases on recorded.reason_basis = why_bases.code
    left join reasons
        on recorded.reason_code = reasons.reason_code and recorded.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
