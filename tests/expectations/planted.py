"""For every promise of every suite one row that breaks it, and the rows that keep them all.

The key of a planted row is the id of the promise it breaks, so a verdict names the row that was meant for it.
A row may break other promises too; the good rows break none.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from models.schemes import SCHEMES
from pipeline.gates import SCHEME_TABLES

DAY = datetime(2018, 1, 1)
BEFORE = datetime(2017, 12, 20)
PARAMETERS = {"as_of": DAY.date(), "known_on": DAY.date()}

# The column that takes the promise's id.
KEY = {
    "extracts": "extract",
    "deliveries": "file",
    "customer_features": "customer_id",
    "published_measures": "table_name",
    "memory_measures": "scheme",
    "reason_replay": "customer_id",
    "owner_conflicts": "customer_id",
    "identity_report": "rule",
    "columns": "column_name",
    "shares": "segment",
    "drift": "scheme",
}

IN_BATCHES = {"customer_features", "reason_replay", "owner_conflicts"}

GOOD = {
    "extracts": [
        {
            "source": "shop",
            "extract": "purchases",
            "required": True,
            "due": True,
            "state_today": "usable",
            "usable_deliveries_ever": 300,
            "set_aside_today": 0,
            "duplicates_today": 0,
            "added_columns_today": None,
            "rows_ratio": 1.1,
            "quarantined_share_today": 0.001,
            "earlier_missing_days": 0,
        }
    ],
    "deliveries": [
        {
            "source": "shop",
            "extract": "purchases",
            "delivered_on": DAY,
            "file": "purchases_2018-01-01.csv.gz",
            "content": "0123456789ab",
            "status": "accepted",
            "reason": None,
            "rows_raw": 10,
            "rows_unaccounted": 0,
        }
    ],
    "customer_features": [
        {
            "customer_id": "C1",
            "as_of": DAY,
            "known_on": DAY,
            "age_band": "young",
            "family_size": 3.0,
            "basic_coverage": 1.0,
            "orders_life": 5.0,
            "orders_w": 4.0,
            "orders_30d": 1.0,
            "orders_90d": 2.0,
            "net_life": 100.0,
            "net_w": 80.0,
            "first_order_on": datetime(2016, 5, 1),
            "last_order_on": BEFORE,
            "recency_days": 12.0,
            "tenure_days": 610.0,
            "occasions_life": 5.0,
            "gaps": 4.0,
            "gap_median_days": 90.0,
            "second_order_days": 30.0,
            "list_w": 90.0,
            "discount_w": 10.0,
            "discount_orders_w": 2.0,
            "categories_w": 3.0,
            "cost_coverage_w": 0.97,
            "purchase_coverage": 1.0,
            "usage_days_30d": None,
            "last_used_on": None,
            "usage_coverage": 0.0,
            "complaints_365d": 1.0,
            "rating_mean_365d": 4.5,
            "csat_last": 4.0,
            "nps_last": 9.0,
            "last_feedback_on": BEFORE,
            "feedback_coverage": 1.0,
            "campaigns_365d": 2.0,
            "last_contact_on": BEFORE,
            "contact_coverage": 0.75,
        }
    ],
    "feature_measures": [
        {
            "as_of": DAY,
            "customers_in": 7.0,
            "customers_out": 7.0,
            "customer_ids": 7.0,
            "lines_in": 20.0,
            "lines_out": 20.0,
            "orders_in": 9.0,
            "orders_out": 9.0,
            "buyers_w": 5.0,
            "net_difference": 0.0,
            "last_feature_on": BEFORE,
        }
    ],
    "owner_conflicts": [{"customer_id": "C1", "source": "a", "other_source": "b", "other_owner": None}],
    "identity_report": [
        {"rule": "phone_hash", "source": "a", "other_source": "b", "ambiguous": 0.0, "refused": 0.0}
    ],
    "published_measures": [
        {
            "table_name": table,
            "rows": 7.0,
            "distinct_keys": 7.0,
            "customers": 7.0,
            "rows_of_another_day": 0.0,
            "customers_missing": 0.0,
            "customers_unknown": 0.0,
            "segments_missing": 0.0,
            "segments_not_in_dictionary": 0.0,
            "labels_missing_zh": 0.0,
            "labels_missing_en": 0.0,
            "definitions_missing_zh": 0.0,
            "definitions_missing_en": 0.0,
            "actions_unknown": 0.0,
            "actions_missing": 0.0,
            "reasons_unreadable": 0.0,
            "reasons_without_predicate": 0.0,
            "reason_mismatches": 0.0,
            "reason_overlaps": 0.0,
            "cutpoint_versions": 1.0,
            "net_life_difference": 0.0,
            "net_w_difference": 0.0,
            "customers_difference": 0.0,
            "rows_unaccounted": 0.0,
            "value_versions": 1.0,
            "churn_versions": 1.0,
            "flags_wrong": 0.0,
            "flags_without_record": 0.0,
            "chances_unpublished": 0.0,
            "bands_out_of_order": 0.0,
            "bands_falling": 0.0,
            "labels_one_sided": 0.0,
            "base_rates_out_of_range": 0.0,
            "counts_off": 0.0,
            "drift_alerts": 0.0,
            "chances_out_of_range": 0.0,
            "expectations_negative": 0.0,
            "horizons_out_of_order": 0.0,
            "values_above_revenue": 0.0,
            "numbers_without_ground": 0.0,
            "next_orders_in_the_past": 0.0,
            "values_difference": 0.0,
            "expected_to_recent_purchases": 1.1,
        }
        for table in (
            "customer_360",
            "customer_value",
            "churn_backtest",
            "churn_drift",
            *SCHEME_TABLES.values(),
            "segment_profile",
            "segment_overlap",
            "segment_attractiveness",
            "threshold_whatif",
            "dictionary",
        )
    ],
    "memory_measures": [
        {
            "scheme": "rfm",
            "segments_not_rebuilt_by_membership": 0.0,
            "segments_not_rebuilt_by_events": 0.0,
            "moves_without_cause": 0.0,
            "moves_missing_by_day": 0.0,
            "moves_missing_by_month": 0.0,
            "memberships_missing": 0.0,
            "spans_that_overlap": 0.0,
            "moves_to_the_same_segment": 0.0,
            "segments_not_in_dictionary": 0.0,
            "causes_without_words": 0.0,
            "more_left_than_were_there": 0.0,
        }
    ],
    "reason_replay": [{"scheme": "rfm", "customer_id": "C1", "own_reason_holds": True, "reasons_held": 1.0}],
    "columns": [
        {
            "table_name": "rfm",
            "column_name": "customer_id",
            "position": 1.0,
            "data_type": "varchar",
            "promised_position": 1.0,
            "promised_type": "varchar",
            "description": "The customer.",
        }
    ],
    "shares": [
        {
            "scheme": "rfm",
            "segment": "RFM01",
            "customers": 100.0,
            "share": 0.1,
            "reference_share": 0.1,
            "reference_customers": 100.0,
            "size_ratio": 1.0,
        }
    ],
    "drift": [
        {"scheme": scheme, "customers": 1000.0, "share_sum": 1.0, "psi": 0.01, "approved": False}
        for scheme in SCHEMES
    ],
}

# Promise → frame and what its row has that it must not have.
ROWS = {
    "landed": {
        "required_extract_is_here": ("extracts", {"state_today": "missing"}),
        "required_extract_was_ever_here": ("extracts", {"usable_deliveries_ever": 0}),
        "required_extract_is_readable": ("extracts", {"quarantined_share_today": 0.51}),
        "required_extract_is_not_a_fragment": ("extracts", {"rows_ratio": 0.09}),
        "extract_has_its_usual_size": ("extracts", {"rows_ratio": 2.1, "required": False}),
        "few_rows_are_quarantined": ("extracts", {"quarantined_share_today": 0.011}),
        "optional_extract_is_here": ("extracts", {"state_today": "set aside", "required": False}),
        "nothing_was_set_aside": ("extracts", {"set_aside_today": 1}),
        "no_earlier_day_is_missing": ("extracts", {"earlier_missing_days": 1}),
        "nothing_was_sent_twice": ("extracts", {"duplicates_today": 1}),
        "no_column_was_added": ("extracts", {"added_columns_today": "colour"}),
        "rows_are_accounted_for": ("deliveries", {"rows_unaccounted": 1}),
        "only_accepted_rows_are_loaded": ("deliveries", {"status": "duplicate"}),
        "every_delivery_was_read": ("deliveries", {"status": "landed", "rows_raw": 0}),
        "deliveries_are_read_by_the_declaration_in_force": ("deliveries", {"reason": "kept_as_read"}),
        "a_reason_is_given": ("deliveries", {"status": "set_aside", "rows_raw": 0}),
        "nothing_comes_from_the_future": ("deliveries", {"delivered_on": datetime(2018, 1, 2)}),
    },
    "features": {
        "one_owner_looks_after_a_customer": ("owner_conflicts", {"other_owner": "bob"}),
        "a_shared_value_names_one_customer_of_a_source": ("identity_report", {"ambiguous": 1.0}),
        "no_match_makes_one_person_of_two_customers": ("identity_report", {"refused": 1.0}),
        "customer_is_named": ("customer_features", {"customer_id": None}),
        "row_is_of_the_day": ("customer_features", {"as_of": BEFORE}),
        "row_knows_what_the_run_knows": ("customer_features", {"known_on": datetime(2018, 1, 2)}),
        "last_order_is_in_the_past": ("customer_features", {"last_order_on": DAY}),
        "last_use_is_in_the_past": ("customer_features", {"last_used_on": DAY}),
        "last_feedback_is_in_the_past": ("customer_features", {"last_feedback_on": DAY}),
        "last_contact_is_in_the_past": ("customer_features", {"last_contact_on": DAY}),
        "first_order_is_not_after_the_last": ("customer_features", {"first_order_on": DAY}),
        "recency_is_not_negative": ("customer_features", {"recency_days": -1.0}),
        "tenure_covers_recency": ("customer_features", {"tenure_days": 11.0}),
        "buyer_has_a_recency": ("customer_features", {"recency_days": None}),
        "prospect_has_no_recency": ("customer_features", {"orders_life": 0.0}),
        "orders_are_counted": ("customer_features", {"orders_life": None}),
        "orders_are_not_negative": ("customer_features", {"orders_w": -1.0}),
        "window_is_part_of_life": ("customer_features", {"orders_w": 6.0}),
        "quarter_is_part_of_life": ("customer_features", {"orders_90d": 6.0}),
        "month_is_part_of_quarter": ("customer_features", {"orders_30d": 3.0}),
        "occasions_are_not_more_than_orders": ("customer_features", {"occasions_life": 6.0}),
        "gaps_are_fewer_than_occasions": ("customer_features", {"gaps": 5.0}),
        "gap_is_a_day_or_more": ("customer_features", {"gap_median_days": 0.0}),
        "gap_has_a_median": ("customer_features", {"gap_median_days": None}),
        "second_order_comes_after_the_first": ("customer_features", {"second_order_days": -1.0}),
        "one_time_buyer_has_no_second_order": ("customer_features", {"orders_life": 1.0}),
        "net_is_known": ("customer_features", {"net_life": None}),
        "net_is_a_plausible_amount": ("customer_features", {"net_w": 2e12}),
        "no_order_brings_no_money": ("customer_features", {"orders_w": 0.0}),
        "few_customers_cost_money": ("customer_features", {"net_life": -1.0}),
        "discount_is_below_list_price": ("customer_features", {"discount_w": 91.0}),
        "discounted_orders_are_orders": ("customer_features", {"discount_orders_w": 5.0}),
        "categories_are_not_negative": ("customer_features", {"categories_w": -1.0}),
        "age_band_is_one_of_three": ("customer_features", {"age_band": "teen"}),
        "family_has_somebody": ("customer_features", {"family_size": 0.0}),
        "usage_days_fit_the_month": ("customer_features", {"usage_days_30d": 31.0}),
        "complaints_are_not_negative": ("customer_features", {"complaints_365d": -1.0}),
        "rating_is_on_its_scale": ("customer_features", {"rating_mean_365d": 5.5}),
        "satisfaction_is_on_its_scale": ("customer_features", {"csat_last": 6.0}),
        "recommendation_is_on_its_scale": ("customer_features", {"nps_last": 11.0}),
        "campaigns_are_not_negative": ("customer_features", {"campaigns_365d": -1.0}),
        "basic_coverage_is_a_share": ("customer_features", {"basic_coverage": 1.1}),
        "purchase_coverage_is_a_share": ("customer_features", {"purchase_coverage": -0.1}),
        "usage_coverage_is_a_share": ("customer_features", {"usage_coverage": 1.1}),
        "feedback_coverage_is_a_share": ("customer_features", {"feedback_coverage": 1.1}),
        "contact_coverage_is_a_share": ("customer_features", {"contact_coverage": 1.1}),
        "cost_coverage_is_a_share": ("customer_features", {"cost_coverage_w": 1.1}),
        "coverage_is_given": ("customer_features", {"purchase_coverage": None}),
        "unknown_usage_is_null": ("customer_features", {"usage_days_30d": 0.0}),
        "unknown_feedback_is_null": ("customer_features", {"feedback_coverage": 0.0}),
        "unknown_contact_is_null": ("customer_features", {"contact_coverage": 0.0}),
    },
    "published": {
        "every_table_has_rows": ("published_measures", {"rows": 0.0}),
        "every_key_is_unique": ("published_measures", {"distinct_keys": 6.0}),
        "every_row_is_of_the_day": ("published_measures", {"rows_of_another_day": 1.0}),
        "no_customer_is_lost": ("published_measures", {"customers_missing": 1.0}),
        "no_customer_is_invented": ("published_measures", {"customers_unknown": 1.0}),
        "customers_in_are_customers_out": ("published_measures", {"customers": 8.0}),
        "every_customer_has_a_segment": ("published_measures", {"segments_missing": 1.0}),
        "every_segment_is_in_the_dictionary": ("published_measures", {"segments_not_in_dictionary": 1.0}),
        "every_label_is_there_in_chinese": ("published_measures", {"labels_missing_zh": 1.0}),
        "every_label_is_there_in_english": ("published_measures", {"labels_missing_en": 1.0}),
        "every_term_is_defined_in_chinese": ("published_measures", {"definitions_missing_zh": 1.0}),
        "every_term_is_defined_in_english": ("published_measures", {"definitions_missing_en": 1.0}),
        "every_named_action_exists": ("published_measures", {"actions_unknown": 1.0}),
        "every_segment_has_an_action": ("published_measures", {"actions_missing": 1.0}),
        "every_reason_can_be_read": ("published_measures", {"reasons_unreadable": 1.0}),
        "every_reason_can_be_replayed": ("published_measures", {"reasons_without_predicate": 1.0}),
        "every_reason_holds": ("published_measures", {"reason_mismatches": 1.0}),
        "no_other_reason_holds": ("published_measures", {"reason_overlaps": 1.0}),
        "own_reason_is_true": ("reason_replay", {"own_reason_holds": False}),
        "own_reason_is_the_only_true_one": ("reason_replay", {"reasons_held": 2.0}),
        "one_set_of_cut_points": ("published_measures", {"cutpoint_versions": 2.0}),
        "one_version_of_the_churn_model": ("published_measures", {"churn_versions": 2.0}),
        "a_flag_is_up_by_its_rule": ("published_measures", {"flags_wrong": 1.0}),
        "every_flag_has_a_record_or_says_why_not": ("published_measures", {"flags_without_record": 1.0}),
        "chances_are_shown_only_where_published": ("published_measures", {"chances_unpublished": 1.0}),
        "bands_follow_the_probability": ("published_measures", {"bands_out_of_order": 1.0}),
        "bands_rise_in_the_last_backtest": ("published_measures", {"bands_falling": 1.0}),
        "the_churn_label_has_both_classes": ("published_measures", {"labels_one_sided": 1.0}),
        "the_base_rate_leaves_something_to_tell": ("published_measures", {"base_rates_out_of_range": 1.0}),
        "a_backtest_accounts_for_its_customers": ("published_measures", {"counts_off": 1.0}),
        "the_churn_model_does_not_drift": ("published_measures", {"drift_alerts": 1.0}),
        "one_version_of_customer_value": ("published_measures", {"value_versions": 2.0}),
        "chances_lie_between_nought_and_one": ("published_measures", {"chances_out_of_range": 1.0}),
        "nothing_expected_is_negative": ("published_measures", {"expectations_negative": 1.0}),
        "a_longer_horizon_holds_the_shorter": ("published_measures", {"horizons_out_of_order": 1.0}),
        "a_discount_adds_nothing": ("published_measures", {"values_above_revenue": 1.0}),
        "nobody_is_valued_without_ground": ("published_measures", {"numbers_without_ground": 1.0}),
        "the_next_order_lies_ahead": ("published_measures", {"next_orders_in_the_past": 1.0}),
        "values_add_up_alone": ("published_measures", {"values_difference": 0.01}),
        "as_much_is_expected_as_was_bought_of_late": (
            "published_measures",
            {"expected_to_recent_purchases": 4.1},
        ),
        "money_of_a_life_adds_up": ("published_measures", {"net_life_difference": 0.01}),
        "money_of_the_window_adds_up": ("published_measures", {"net_w_difference": -0.01}),
        "segments_add_up_to_everybody": ("published_measures", {"customers_difference": 1.0}),
        "rows_in_are_accounted_for": ("published_measures", {"rows_unaccounted": 1.0}),
        "every_promised_column_is_there": ("columns", {"position": None}),
        "no_column_is_unpromised": ("columns", {"promised_position": None}),
        "columns_stand_in_their_order": ("columns", {"position": 2.0}),
        "columns_have_their_types": ("columns", {"data_type": "bigint"}),
        "columns_are_described": ("columns", {"description": None}),
        "shares_have_not_broken": ("drift", {"psi": 0.26}),
        "shares_are_stable": ("drift", {"psi": 0.1}),
        "shares_can_be_compared": ("drift", {"psi": None}),
        "shares_add_up": ("drift", {"share_sum": 0.9}),
        "no_segment_changed_its_size_much": ("shares", {"size_ratio": 0.4}),
    },
    "memory": {
        "open_stays_are_the_last_day": ("memory_measures", {"segments_not_rebuilt_by_membership": 1.0}),
        "events_replay_to_the_last_day": ("memory_measures", {"segments_not_rebuilt_by_events": 1.0}),
        "the_four_causes_sum_to_all_moves": ("memory_measures", {"moves_without_cause": -1.0}),
        "migration_by_day_holds_every_move": ("memory_measures", {"moves_missing_by_day": 1.0}),
        "migration_by_month_holds_every_move": ("memory_measures", {"moves_missing_by_month": 1.0}),
        "every_move_begins_a_stay": ("memory_measures", {"memberships_missing": 1.0}),
        "no_stays_overlap": ("memory_measures", {"spans_that_overlap": 1.0}),
        "a_move_leads_elsewhere": ("memory_measures", {"moves_to_the_same_segment": 1.0}),
        "every_segment_is_in_the_dictionary": ("memory_measures", {"segments_not_in_dictionary": 1.0}),
        "every_cause_has_words": ("memory_measures", {"causes_without_words": 1.0}),
        "no_more_leave_than_were_there": ("memory_measures", {"more_left_than_were_there": 1.0}),
        "every_promised_column_is_there": ("columns", {"position": None}),
        "no_column_is_unpromised": ("columns", {"promised_position": None}),
        "columns_stand_in_their_order": ("columns", {"position": 2.0}),
        "columns_have_their_types": ("columns", {"data_type": "bigint"}),
        "columns_are_described": ("columns", {"description": None}),
    },
}

# Promises about a frame as a whole, or about its one row: the frame that breaks it.
WHOLE = {
    "landed": {
        "a_delivery_counts_once": ("deliveries", GOOD["deliveries"] * 2),
    },
    "features": {
        promise: ("feature_measures", [GOOD["feature_measures"][0] | broken])
        for promise, broken in {
            "there_are_customers": {"customers_out": 0.0},
            "customers_in_are_customers_out": {"customers_in": 8.0},
            "a_customer_is_there_once": {"customer_ids": 6.0},
            "no_line_is_counted_twice": {"lines_out": 21.0},
            "no_order_is_counted_twice": {"orders_out": 10.0},
            "money_adds_up_to_the_cent": {"net_difference": 0.01},
            "measured_on_the_day": {"as_of": BEFORE},
            "no_feature_knows_the_future": {"last_feature_on": DAY},
            "somebody_bought_lately": {"buyers_w": 0.0},
        }.items()
    },
    "published": {
        "every_promised_table_is_measured": ("published_measures", GOOD["published_measures"][1:]),
    },
    "memory": {},
}


def frame(name, rows):
    """The rows as pandas holds them when they come from Parquet: days as instants, one type a column."""
    table = pd.DataFrame(rows, columns=list(GOOD[name][0]))
    for column in table.columns:
        example = GOOD[name][0][column]
        if column.endswith("_on") or column == "as_of":
            table[column] = pd.to_datetime(table[column]).astype("datetime64[us]")
        elif isinstance(example, float) or column in ("usage_days_30d",):
            table[column] = table[column].astype("float64")
        elif isinstance(example, bool):
            table[column] = table[column].astype("boolean" if name in IN_BATCHES else "bool")
    return table


def frames(suite_frames, changed=None):
    """The frames of a suite, good but for those in `changed` (name → rows), as a gate is given them."""
    rows = GOOD | (changed or {})
    tables = {name: frame(name, rows[name]) for name in suite_frames}
    return {
        name: (lambda columns, table=table: [table[list(columns)]] if len(table) else [])
        if name in IN_BATCHES
        else table
        for name, table in tables.items()
    }


def planted_rows(suite):
    """Frame → the good rows and, for every promise about its rows, the row that breaks it."""
    rows = {}
    for promise, (name, broken) in ROWS[suite].items():
        rows.setdefault(name, list(GOOD[name])).append(GOOD[name][0] | {KEY[name]: promise} | broken)
    return rows
