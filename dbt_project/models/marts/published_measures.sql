-- A Jinja loop writes lines whose indent the linter cannot know.
-- noqa: disable=LT02
{{ config(location=var('run_dir') ~ '/marts/published_measures.parquet') }}

{% set tables = marts_scheme_tables() %}
{% set of_customers = (tables.values() | list) + ['customer_360'] %}
{% set unlabelled_zh = [] %}
{% set unlabelled_en = [] %}
{% for scheme in tables %}
    {% do unlabelled_zh.append('coalesce(' ~ scheme ~ "_label_zh, '') = ''") %}
    {% do unlabelled_en.append('coalesce(' ~ scheme ~ "_label_en, '') = ''") %}
{% endfor %}
{% set reason_missing = "coalesce(reason_zh, '{') like '%{%' or coalesce(reason_en, '{') like '%{%'" %}

with

-- tables that are read several times: whole and held in memory they would take all there is
customers as not materialized (
    select * from {{ ref('customer_features') }}
),

customer_360 as not materialized (
    select * from {{ ref('customer_360') }}
),

customer_value as not materialized (
    select * from {{ ref('customer_value') }}
),

value_scores as not materialized (
    select * from {{ source('scores', 'customer_value') }}
),

-- purchases expected in 90 days beside the orders of the last 90, of the same customers; in whole millionths,
-- which add up the same in any order
recent_purchases as (
    select
        sum(cast(round(customer_value.expected_orders_90d * 1000000) as hugeint)) / 1000000.0 as expected,
        sum(customers.orders_90d) as made
    from customer_value
    inner join customers on customer_value.customer_id = customers.customer_id
    where customer_value.expected_orders_90d is not null
),

-- the values are added up as they were scored, and to nothing else: referrals are no part of them
value_sums as (
    select
        (select coalesce(sum(clv), 0) from customer_value) as published_clv,
        (select coalesce(sum(clv), 0) from value_scores) as scored_clv
),

churn_backtest as not materialized (
    select * from {{ ref('churn_backtest') }}
),

churn_drift as not materialized (
    select * from {{ ref('churn_drift') }}
),

churn_model as not materialized (
    select * from {{ source('judged_by', 'churn_model') }}
),

segment_profile as not materialized (
    select * from {{ ref('segment_profile') }}
),

segment_overlap as not materialized (
    select * from {{ ref('segment_overlap') }}
),

segment_attractiveness as not materialized (
    select * from {{ ref('segment_attractiveness') }}
),

threshold_whatif as not materialized (
    select * from {{ ref('threshold_whatif') }}
),

dictionary as not materialized (
    select * from {{ ref('dictionary') }}
),

delivery as not materialized (
    select * from {{ ref('delivery') }}
),

replay as not materialized (
    select * from {{ ref('reason_replay') }}
),

{% for scheme, table in tables.items() %}
{{ table }} as not materialized (
    select * from {{ ref(table) }}
),

{{ table }}_codes as (
    select
        {{ table }}.segment_code,
        count(*) as customers,
        count(dictionary.code) as in_dictionary
    from {{ table }}
    left join dictionary
        on
            {{ table }}.segment_code = dictionary.code
            and dictionary.scheme = '{{ scheme }}'
            and dictionary.kind = 'segment'
    group by {{ table }}.segment_code
),

{% endfor %}
-- Every table is to hold the customers of the features, in their order: laid side by side, whoever stands beside
-- somebody else is missing here and unknown there. Comparing 30 tables by joins would take longer than building them.
members as (
    select
        {%- for table in of_customers %}
        count(*) filter (
            where customers.customer_id is not null
            and {{ table }}.customer_id is distinct from customers.customer_id
        ) as {{ table }}_missing,
        count(*) filter (
            where {{ table }}.customer_id is not null
            and {{ table }}.customer_id is distinct from customers.customer_id
        ) as {{ table }}_unknown{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    {%- for table in of_customers %}
    positional join {{ table }}
    {%- endfor %}
),

-- a flag is up exactly where the level says so, or the published probability reaches the cut
churn_replay as (
    select
        churn_flag.*,
        scores.flag_churn_risk or coalesce(churn_flag.churn_probability >= churn_flag.churn_cut, false) as should_be_up
    from churn_flag
    inner join {{ source('scores', 'churn_level') }} as scores on churn_flag.customer_id = scores.customer_id
),

churn_bands as (
    select
        max(churn_probability) filter (where churn_band = 'low') as low_max,
        min(churn_probability) filter (where churn_band = 'mid') as mid_min,
        max(churn_probability) filter (where churn_band = 'mid') as mid_max,
        min(churn_probability) filter (where churn_band = 'high') as high_min
    from churn_flag
),

-- of the model in force, on the last day it was tested on
churn_last_test as (
    select
        churn_backtest.realised_rate,
        lag(churn_backtest.realised_rate) over (
            order by case churn_backtest.band when 'low' then 1 when 'mid' then 2 else 3 end
        ) as rate_below
    from churn_backtest
    inner join churn_model
        on
            churn_backtest.churn_version = churn_model.churn_version
            and churn_backtest.cutoff_on = churn_model.last_cutoff
    where
        churn_model.model_status = 'published'
        and churn_backtest.band in ('low', 'mid', 'high')
        and churn_backtest.customers > 0
),

money as (
    select
        (select coalesce(sum(net_life), 0) from customer_360) as published_net_life,
        (select coalesce(sum(net_life), 0) from customers) as features_net_life,
        (select coalesce(sum(net_w), 0) from customer_360) as published_net_w,
        (select coalesce(sum(net_w), 0) from customers) as features_net_w
),

profile_sums as (
    select
        scheme,
        sum(customers) as customers,
        sum(net_w) as net_w,
        sum(share) as share
    from segment_profile
    group by scheme
),

population as (
    select
        count(*) as customers,
        coalesce(sum(net_w), 0) as net_w
    from customers
),

overlap_sums as (
    select
        scheme,
        other_scheme,
        sum(customers_in_both) as customers
    from segment_overlap
    group by scheme, other_scheme
),

-- everybody stays somewhere, whatever number is tried; without trials there is nothing to add up
trial_sums as (
    select
        setting,
        direction,
        scheme,
        sum(customers) as customers,
        sum(customers_then) as customers_then,
        sum(moved_in) as moved_in,
        sum(moved_out) as moved_out
    from threshold_whatif
    group by setting, direction, scheme
),

named_actions as (
    select unnest(string_split(action_codes, '|')) as action_code
    from dictionary
    where action_codes is not null
),

unknown_actions as (
    select count(*) as codes
    from named_actions
    left join dictionary on named_actions.action_code = dictionary.code and dictionary.kind = 'action'
    where dictionary.code is null
),

measured as (
    {{ marts_measures('customer_features', 'customers', {
        'rows': 'count(*)',
        'distinct_keys': 'count(distinct customer_id)',
        'net_life': 'sum(net_life)',
        'net_w': 'sum(net_w)',
    }) }}

    union all

    {% for scheme, table in tables.items() %}
    {{ marts_measures(table, table, {
        'rows': 'count(*)',
        'distinct_keys': 'count(distinct customer_id)',
        'rows_of_another_day': 'count(*) filter (where as_of <> ' ~ marts_as_of() ~ ' or known_on <> '
            ~ marts_known_on() ~ ')',
        'segments_missing': 'count(*) filter (where segment_code is null)',
        'labels_missing_zh': "count(*) filter (where coalesce(label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(label_en, '') = '')",
        'actions_missing': "count(*) filter (where coalesce(action_codes, '') = '')",
        'reasons_unreadable': 'count(*) filter (where ' ~ reason_missing ~ ')',
        'cutpoint_versions': 'count(distinct cutpoint_version)',
    }) }}

    union all

    {{ marts_measures(table, 'members', {
        'customers_missing': 'sum(' ~ table ~ '_missing)',
        'customers_unknown': 'sum(' ~ table ~ '_unknown)',
    }) }}

    union all

    {{ marts_measures(table, table ~ '_codes', {
        'segments_not_in_dictionary': 'count(*) filter (where in_dictionary = 0)',
    }) }}

    union all

    {{ marts_measures(table, "(select * from replay where scheme = '" ~ scheme ~ "') as broken", {
        'reason_mismatches': 'count(*) filter (where not own_reason_holds)',
        'reason_overlaps': 'count(*) filter (where own_reason_holds)',
    }) }}

    union all

    {% endfor %}
    {{ marts_measures('customer_360', 'customer_360', {
        'rows': 'count(*)',
        'distinct_keys': 'count(distinct customer_id)',
        'rows_of_another_day': 'count(*) filter (where as_of <> ' ~ marts_as_of() ~ ' or known_on <> '
            ~ marts_known_on() ~ ')',
        'labels_missing_zh': 'count(*) filter (where ' ~ unlabelled_zh | join(' or ') ~ ')',
        'labels_missing_en': 'count(*) filter (where ' ~ unlabelled_en | join(' or ') ~ ')',
    }) }}

    union all

    {{ marts_measures('customer_360', 'members', {
        'customers_missing': 'sum(customer_360_missing)',
        'customers_unknown': 'sum(customer_360_unknown)',
    }) }}

    union all

    {{ marts_measures('customer_360', 'money', {
        'net_life_difference': 'sum(published_net_life - features_net_life)',
        'net_w_difference': 'sum(published_net_w - features_net_w)',
    }) }}

    union all

    {{ marts_measures('customer_value', 'customer_value', {
        'rows': 'count(*)',
        'distinct_keys': 'count(distinct customer_id)',
        'rows_of_another_day': 'count(*) filter (where as_of <> ' ~ marts_as_of() ~ ' or known_on <> '
            ~ marts_known_on() ~ ')',
        'labels_missing_zh': "count(*) filter (where coalesce(value_basis_label_zh, '') = '' "
            ~ "or coalesce(amount_basis_label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(value_basis_label_en, '') = '' "
            ~ "or coalesce(amount_basis_label_en, '') = '')",
        'reasons_unreadable': 'count(*) filter (where ' ~ reason_missing ~ ')',
        'value_versions': 'count(distinct value_version)',
        'chances_out_of_range': 'count(*) filter (where p_alive < 0 or p_alive > 1)',
        'expectations_negative': 'count(*) filter (where least(expected_orders_30d, expected_orders_90d, '
            ~ 'expected_orders_365d, expected_amount, expected_revenue_30d, expected_revenue_90d, '
            ~ 'expected_revenue_365d, clv) < 0)',
        'horizons_out_of_order': 'count(*) filter (where expected_orders_30d > expected_orders_90d '
            ~ 'or expected_orders_90d > expected_orders_365d or expected_revenue_30d > expected_revenue_90d '
            ~ 'or expected_revenue_90d > expected_revenue_365d)',
        'values_above_revenue': 'count(*) filter (where clv > expected_revenue_365d and clv_horizon_days <= 365)',
        'numbers_without_ground': 'count(*) filter (where coalesce(p_alive, expected_orders_365d) is not null '
            ~ "and value_basis not in ('repeat', 'second_order') or clv is not null and (expected_orders_365d "
            ~ "is null or amount_basis <> 'gamma_gamma'))",
        'next_orders_in_the_past': 'count(*) filter (where next_order_on < as_of)',
    }) }}

    union all

    {{ marts_measures('customer_value', 'recent_purchases', {
        'expected_to_recent_purchases': 'sum(expected) / nullif(sum(made), 0)',
    }) }}

    union all

    {{ marts_measures('customer_value', 'value_sums', {'values_difference': 'sum(published_clv - scored_clv)'}) }}

    union all

    {{ marts_measures('customer_value', "(select * from replay where scheme = 'customer_value') as broken", {
        'reason_mismatches': 'count(*) filter (where not own_reason_holds)',
        'reason_overlaps': 'count(*) filter (where own_reason_holds)',
    }) }}

    union all

    {{ marts_measures('churn_flag', 'churn_replay', {
        'flags_wrong': 'count(*) filter (where flag_churn_risk is distinct from should_be_up '
            ~ 'or flag_churn_risk <> (flag_basis is not null))',
        'flags_without_record': "count(*) filter (where record_basis is null "
            ~ "or (record_basis in ('band', 'level')) <> (record_rate is not null))",
        'chances_out_of_range': 'count(*) filter (where churn_probability < 0 or churn_probability > 1)',
        'chances_unpublished': "count(*) filter (where (churn_probability is not null) "
            ~ "<> (is_eligible and model_status = 'published'))",
        'churn_versions': 'count(distinct churn_version)',
    }) }}

    union all

    {{ marts_measures('churn_flag', 'churn_bands', {
        'bands_out_of_order': 'sum(coalesce(low_max >= mid_min, false)::integer + coalesce(mid_max >= high_min, false)::integer '
            ~ '+ coalesce(low_max >= high_min, false)::integer)',
    }) }}

    union all

    {{ marts_measures('churn_backtest', 'churn_backtest', {
        'rows_of_another_day': 'count(*) filter (where as_of <> ' ~ marts_as_of() ~ ' or known_on <> '
            ~ marts_known_on() ~ ')',
        'labels_missing_zh': "count(*) filter (where coalesce(model_label_zh, '') = '' or coalesce(band_label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(model_label_en, '') = '' or coalesce(band_label_en, '') = '')",
        'labels_one_sided': "count(*) filter (where band = 'all' and not is_forecast "
            ~ 'and (realised_true = 0 or realised_false = 0))',
        'counts_off': 'count(*) filter (where realised_true + realised_false <> customers '
            ~ 'or abs(expected_true + expected_false - customers) > 0.01)',
    }) }}

    union all

    {{ marts_measures('churn_backtest', 'churn_last_test', {
        'bands_falling': 'count(*) filter (where realised_rate < rate_below)',
    }) }}

    union all

    {{ marts_measures('churn_backtest', 'churn_model', {
        'base_rates_out_of_range': "count(*) filter (where model_status = 'published' "
            ~ 'and (base_rate < 0.02 or base_rate > 0.98))',
    }) }}

    union all

    {{ marts_measures('churn_drift', 'churn_drift', {
        'rows': 'count(*)',
        'distinct_keys': "count(distinct input)",
        'rows_of_another_day': 'count(*) filter (where as_of <> ' ~ marts_as_of() ~ ' or known_on <> '
            ~ marts_known_on() ~ ')',
        'labels_missing_zh': "count(*) filter (where coalesce(input_label_zh, '') = '' or coalesce(status_label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(input_label_en, '') = '' or coalesce(status_label_en, '') = '')",
        'drift_alerts': "count(*) filter (where status = 'alert')",
    }) }}

    union all

    {{ marts_measures('segment_profile', 'segment_profile', {
        'rows': 'count(*)',
        'distinct_keys': "count(distinct scheme || '/' || segment_code)",
        'labels_missing_zh': "count(*) filter (where coalesce(label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(label_en, '') = '')",
    }) }}

    union all

    {{ marts_measures('segment_profile', 'profile_sums cross join population', {
        'customers_difference': 'max(abs(profile_sums.customers - population.customers))',
        'net_w_difference': 'max(abs(profile_sums.net_w - population.net_w))',
    }) }}

    union all

    {{ marts_measures('segment_overlap', 'segment_overlap', {
        'rows': 'count(*)',
        'distinct_keys': "count(distinct scheme || '/' || segment_code || '/' || other_scheme || '/' "
            ~ "|| other_segment_code)",
        'labels_missing_zh': "count(*) filter (where coalesce(label_zh, '') = '' or coalesce(other_label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(label_en, '') = '' or coalesce(other_label_en, '') = '')",
    }) }}

    union all

    {{ marts_measures('segment_overlap', 'overlap_sums cross join population', {
        'customers_difference': 'max(abs(overlap_sums.customers - population.customers))',
    }) }}

    union all

    {{ marts_measures('segment_attractiveness', 'segment_attractiveness', {
        'rows': 'count(*)',
        'distinct_keys': "count(distinct scheme || '/' || segment_code)",
        'rows_of_another_day': 'count(*) filter (where as_of <> ' ~ marts_as_of() ~ ' or known_on <> '
            ~ marts_known_on() ~ ')',
        'labels_missing_zh': "count(*) filter (where coalesce(label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(label_en, '') = '')",
    }) }}

    union all

    {{ marts_measures('threshold_whatif', 'threshold_whatif', {
        'rows': 'nullif(count(*), 0)',
        'distinct_keys': "nullif(count(distinct setting || '/' || direction || '/' || scheme || '/' || segment_code), 0)",
        'labels_missing_zh': "count(*) filter (where coalesce(label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(label_en, '') = '')",
    }) }}

    union all

    {{ marts_measures('threshold_whatif', 'trial_sums cross join population', {
        'customers_difference': 'max(greatest(abs(trial_sums.customers - population.customers), '
            ~ 'abs(trial_sums.customers_then - population.customers), abs(moved_in - moved_out)))',
    }) }}

    union all

    -- the shares the audit compares with those stored beside the cut-points in force
    select
        'segment_profile' as table_name,
        unnest(['customers', 'share']) as measure,
        scheme || '/' || segment_code as subject,
        unnest([
            cast(customers as double),
            customers / nullif(sum(customers) over (partition by scheme), 0)
        ]) as value
    from segment_profile

    union all

    {{ marts_measures('dictionary', 'dictionary', {
        'rows': 'count(*)',
        'distinct_keys': "count(distinct scheme || '/' || kind || '/' || code)",
        'labels_missing_zh': "count(*) filter (where coalesce(label_zh, '') = '')",
        'labels_missing_en': "count(*) filter (where coalesce(label_en, '') = '')",
        'definitions_missing_zh': "count(*) filter (where coalesce(definition_zh, '') = '')",
        'definitions_missing_en': "count(*) filter (where coalesce(definition_en, '') = '')",
        'segments_without_action': "count(*) filter (where kind = 'segment' and action_codes is null)",
        'reasons_without_predicate': "count(*) filter (where kind = 'reason' and coalesce(predicate, '') = '')",
    }) }}

    union all

    {{ marts_measures('dictionary', 'unknown_actions', {'actions_unknown': 'sum(codes)'}) }}

    union all

    {{ marts_measures('delivery', 'delivery', {
        'rows': 'count(*)',
        'distinct_keys': "count(distinct source || '/' || extract || '/' || delivered_on || '/' || file)",
        'rows_in': 'coalesce(sum(rows_in), 0)',
        'rows_quarantined': 'coalesce(sum(quarantined), 0)',
        'rows_unaccounted': 'coalesce(sum(abs(rows_in - accepted - duplicate - superseded - anonymous '
            ~ '- quarantined)), 0)',
    }) }}
),

dated as (
    select
        table_name,
        measure,
        subject,
        {{ marts_as_of() }} as as_of,
        {{ marts_known_on() }} as known_on,
        value
    from measured
)

select * from dated
order by table_name, measure, subject
