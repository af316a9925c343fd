{{ config(location=var('run_dir') ~ '/marts/churn_flag.parquet') }}

with

customers as (
    select * from {{ ref('customer_features') }}
),

scores as (
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

-- of a band that was never seen in a backtest the level's record is told
judged as (
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
        coalesce(likely.churn_probability >= model.cut, false) as is_likely,
        case
            when not likely.is_eligible then 'not_judged'
            when of_band.code is not null then 'band'
            when of_level.code is not null then 'level'
            else 'no_backtest'
        end as record_basis,
        case when likely.is_eligible then coalesce(of_band.rate, of_level.rate) end as record_rate,
        case
            when likely.is_eligible and of_band.code is not null then of_band.rate_low
            when likely.is_eligible then of_level.rate_low
        end as record_rate_low,
        case
            when likely.is_eligible and of_band.code is not null then of_band.rate_high
            when likely.is_eligible then of_level.rate_high
        end as record_rate_high,
        case
            when likely.is_eligible and of_band.code is not null then of_band.lift
            when likely.is_eligible then of_level.lift
        end as record_lift,
        case
            when likely.is_eligible and of_band.code is not null then of_band.customers
            when likely.is_eligible then of_level.customers
        end as record_customers,
        case
            when likely.is_eligible and of_band.code is not null then of_band.runs
            when likely.is_eligible then of_level.runs
        end as record_runs
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
    left join records as of_band on likely.churn_band = of_band.code and of_band.kind = 'band'
    left join records as of_level on scores.segment = of_level.code and of_level.kind = 'level'
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
    from judged
),

labelled as (
    select
        flagged.customer_id,
        flagged.as_of,
        flagged.known_on,
        flagged.last_order_on,
        flagged.recency_days,
        flagged.orders_life,
        flagged.occasions_life,
        flagged.gaps,
        cast(flagged.gap_mu as double) as gap_mu,
        cast(flagged.gap_sigma as double) as gap_sigma,
        cast(flagged.q75_days as double) as q75_days,
        cast(flagged.q90_days as double) as q90_days,
        cast(flagged.q95_days as double) as q95_days,
        cast(flagged.churned_after_days as double) as churned_after_days,
        cast(flagged.basis as varchar) as basis,
        bases.label_zh as basis_label_zh,
        bases.label_en as basis_label_en,
        flagged.segment as segment_code,
        segments.label_zh,
        segments.label_en,
        flagged.flag_churn_risk,
        flagged.flag_basis,
        flag_bases.label_zh as flag_basis_label_zh,
        flag_bases.label_en as flag_basis_label_en,
        flagged.is_eligible,
        flagged.churn_probability,
        flagged.churn_band,
        bands.label_zh as churn_band_label_zh,
        bands.label_en as churn_band_label_en,
        flagged.cut as churn_cut,
        flagged.definition as churn_definition,
        flagged.horizon_days,
        flagged.model_status,
        statuses.label_zh as model_status_label_zh,
        statuses.label_en as model_status_label_en,
        flagged.base_rate,
        flagged.record_basis,
        record_bases.label_zh as record_basis_label_zh,
        record_bases.label_en as record_basis_label_en,
        flagged.record_rate,
        flagged.record_rate_low,
        flagged.record_rate_high,
        flagged.record_lift,
        flagged.record_customers,
        flagged.record_runs,
        {%- for place in [1, 2, 3] %}
        flagged.reason_{{ place }} as churn_reason_{{ place }},
        why_{{ place }}.label_zh as churn_reason_{{ place }}_label_zh,
        why_{{ place }}.label_en as churn_reason_{{ place }}_label_en,
        {%- endfor %}
        flagged.reason_basis as churn_reason_basis,
        why_bases.label_zh as churn_reason_basis_label_zh,
        why_bases.label_en as churn_reason_basis_label_en,
        segments.action_codes,
        flagged.reason_code,
        flagged.reason_params,
        reasons.reason_zh,
        reasons.reason_en,
        flagged.cutpoint_version,
        flagged.churn_version
    from flagged
    left join segments on flagged.segment = segments.code
    left join bases on flagged.basis = bases.code
    left join bands on flagged.churn_band = bands.code
    left join flag_bases on flagged.flag_basis = flag_bases.code
    left join record_bases on flagged.record_basis = record_bases.code
    left join statuses on flagged.model_status = statuses.code
    {%- for place in [1, 2, 3] %}
    left join why as why_{{ place }} on flagged.reason_{{ place }} = why_{{ place }}.code
    {%- endfor %}
    left join why_bases on flagged.reason_basis = why_bases.code
    left join reasons
        on flagged.reason_code = reasons.reason_code and flagged.reason_params = reasons.reason_params
)

select * from labelled
order by customer_id
