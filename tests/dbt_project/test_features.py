"""dbt from raw to features over a lake small enough to check by eye."""

from __future__ import annotations

import random
import shutil
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
import yaml
from small_shop import APRIL_1, MAY_1, PROJECT, Built, FixtureLake, build, run_dbt, shop

RULES = {
    "a_stated_topic_beats_a_read_one_and_a_rating_beats_read_sentiment",
    "two_uses_of_a_function_on_one_day_are_one_day_and_day_90_is_the_last_that_counts",
    "days_of_use_add_up_over_functions_and_each_counts_once",
    "a_user_of_two_functions_is_one_active_user_of_the_product",
    "an_advertisement_is_a_step_and_no_visit_and_day_30_is_the_last_of_the_steps",
    "two_looks_at_one_item_are_consideration_and_what_was_bought_after_a_look_was_bought_for_it",
    "a_message_opened_on_as_of_is_not_opened_yet_and_what_customers_write_is_a_reply",
    "signs_are_weighed_the_last_wish_wins_and_an_address_is_a_phone_an_email_or_a_message_sent",
    "without_visits_messages_and_feedback_silence_and_attention_are_unknown",
    "influence_is_the_logarithm_of_reach_times_sentiment_and_an_unknown_weight_is_none",
    "points_about_to_be_lost_are_used_first",
    "a_customer_is_at_risk_from_the_month_after_an_order_until_the_next_or_the_window_ends",
    "what_somebody_said_in_a_month_stands_beside_what_they_bought_and_too_old_an_order_is_no_risk",
    "the_latest_delivery_of_a_key_wins_and_the_same_content_again_is_a_duplicate",
    "a_sale_belongs_to_the_local_day_and_its_list_price_adds_the_shops_own_discounts",
    "an_age_bracket_is_its_midpoint_and_55_to_64_is_still_middle",
    "a_returned_order_is_no_longer_valid_once_the_return_is_known",
    "a_row_is_not_seen_before_its_delivery_nor_an_order_on_as_of_itself",
    "test_gift_card_unpaid_and_free_orders_are_excluded",
    "orders_of_one_day_are_one_occasion_and_the_window_ends_window_days_before_as_of",
    "the_second_order_counts_also_on_the_day_of_the_first",
    "an_unlinked_return_reduces_the_window_net_and_no_order",
    "a_sign_with_a_name_makes_a_customer_an_anonymous_one_does_not",
    "the_top_category_is_the_first_in_the_alphabet_among_equals",
    "nothing_said_is_zero_when_delivered_and_null_when_not",
    "a_customer_whose_columns_contradict_one_another_is_counted",
    "the_25_pairs_of_kano_answers_have_the_categories_of_the_table",
    "a_pair_is_of_one_questionnaire_and_the_last_of_a_customer_counts",
    "of_several_answers_to_a_question_the_last_counts",
    "needs_are_stated_by_name_or_part_shown_in_topics_and_asked_of_service",
    "only_own_items_that_rose_and_were_looked_at_tell_of_the_price",
    "views_without_an_order_count_after_thirty_days_and_searches_without_a_result_at_once",
    "barriers_are_stated_last_and_counted_by_the_words_of_the_seed",
    "a_city_has_the_tier_in_force_and_the_regions_extract_speaks_before_the_list",
    "a_name_is_the_one_city_it_fits_however_it_is_spelt_and_never_a_guess",
    "an_order_is_for_business_at_work_and_paid_by_a_company",
    "the_last_answer_the_dictionary_can_read_counts_and_lifestyle_goes_before_values_and_motives",
    "a_field_is_empty_only_with_those_who_could_fill_it",
    "a_product_has_a_version_for_each_change_and_none_for_what_is_told_again",
    "a_catalogue_that_came_after_a_day_stated_again_counts_for_that_day",
    "a_month_keeps_the_tier_of_its_last_day_and_every_valid_order_is_in_one_row",
    "a_market_without_one_of_its_terms_has_no_capacity_and_own_sales_are_those_of_its_year_and_region",
    "a_city_is_where_most_orders_of_a_year_went_then_the_latest_and_else_that_of_the_profile",
    "what_came_late_was_corrected_or_withdrawn_is_told_from_an_act_of_the_day",
    "an_opinion_counts_half_after_half_a_year_and_an_answer_out_of_its_scale_not_at_all",
    "what_was_sent_and_came_back_is_counted_by_the_day_of_the_order",
    "a_referral_counts_once_for_the_first_who_invited_and_never_for_oneself",
    "what_made_loyal_half_a_year_ago_is_what_had_happened_by_then",
    "a_complaint_opened_again_is_unresolved_and_only_an_order_of_a_later_day_is_a_reorder",
    "each_product_counts_once_in_the_median_of_its_category_at_its_price_before_discounts",
    "a_line_is_priced_before_discounts_ten_times_the_category_at_most_and_new_for_sixty_days",
    "a_day_without_a_time_is_no_midnight_and_a_source_silent_on_promotions_tells_nothing_of_them",
    "shares_begin_at_three_and_a_surcharge_is_no_discount",
    "two_that_lead_together_are_no_preference",
    "concentration_counts_from_buying_every_brand_on_sale_alike",
    "an_order_on_the_first_day_of_the_horizon_keeps_a_customer_and_one_on_its_end_does_not",
    "a_label_is_null_while_its_horizon_is_open_also_for_who_bought_already",
    "a_price_rose_by_what_all_lines_of_ninety_days_were_asked_for_against_those_before",
    "lines_before_ninety_days_tell_what_became_dearer_and_those_since_which_category_is_still_bought",
    "what_changed_is_told_of_the_ninety_days_against_those_before_and_unknown_without_both",
    "a_horizon_that_ends_on_the_day_of_labels_has_passed",
    "an_order_that_came_back_or_was_never_paid_keeps_nobody",
}
APRIL = "as_of = date '2017-04-01'"
MAY = "as_of = date '2017-05-01'"
BEFORE_ANY_DELIVERY = ("2017-03-01", "2017-03-01")


@pytest.fixture(scope="module")
def shop_lake(tmp_path_factory) -> FixtureLake:
    """The small shop's lake."""
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def both_days(shop_lake, tmp_path_factory) -> Built:
    """Two days at once, with every dbt unit test."""
    return build(shop_lake, tmp_path_factory.mktemp("both"), APRIL_1, MAY_1, unit_tests=True)


def money(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def test_every_rule_has_its_unit_test_and_holds(both_days):
    assert both_days.statuses("unit_test") == dict.fromkeys(RULES, "pass")


def test_a_customer_is_what_was_delivered_by_the_day(both_days):
    columns = (
        "customer_id, orders_life, occasions_life, recency_days, second_order_days, net_life, top_category"
    )

    april = both_days.rows("customer_features", columns, APRIL)
    may = both_days.rows("customer_features", columns, MAY)

    # 10 + 5 + 4 + 3, less the return that names no basket; the first two baskets are of one day
    assert april == [
        ("1", 3, 2, 21, 0, *money("21.00"), "TEA"),
        ("2", 0, 0, None, None, *money("0.00"), None),
        ("3", 0, 0, None, None, *money("0.00"), None),
    ]
    # the late basket of 20.00 is there, and 3.00 is corrected to 3.50
    assert may[0] == ("1", 4, 3, 42, 0, *money("41.50"), "TEA")


@pytest.mark.parametrize(
    "fault",
    [
        "delete from features.feat_web where customer_id = 3",
        "insert into features.feat_web by name (select 99 as customer_id, date '2017-05-01' as as_of)",
        "create or replace table features.feat_web as from features.feat_web order by customer_id desc",
    ],
    ids=["one too few", "one too many", "another order"],
)
def test_an_aspect_that_is_not_of_the_same_customers_stops_the_build(both_days, tmp_path, fault):
    (model,) = (r for r in both_days.results if r.node.unique_id.endswith(".customer_features"))
    shutil.copyfile(both_days.run_dir / "run.duckdb", tmp_path / "run.duckdb")
    with duckdb.connect(str(tmp_path / "run.duckdb")) as connection:
        assert len(connection.execute(model.node.compiled_code).fetchall()) == 6
        connection.execute(fault)
        with pytest.raises(duckdb.InvalidInputException, match="feat_web has not one row per customer"):
            connection.execute(model.node.compiled_code).fetchall()


def test_net_of_features_and_anonymous_is_net_of_staging(both_days):
    columns = (
        "net_features, net_anonymous, net_staging, orders_in, orders_out, orders_anonymous, contradictions"
    )

    measures = both_days.rows("feature_measures", columns)

    assert measures == [
        (*money("21.00", "9.00", "30.00"), 3, 3, 1, 0),
        (*money("41.50", "9.00", "50.50"), 4, 4, 1, 0),
    ]
    counts = "lines_in = lines_out and customers_in = customers_out and customer_ids = customers_out"
    assert both_days.rows("feature_measures", counts) == [(True,), (True,)]


def test_every_row_of_a_file_is_accounted_for(both_days):
    columns = "delivered_on, rows_in, accepted, duplicate, superseded, anonymous, quarantined"

    account = both_days.rows("row_account", columns, "extract = 'purchases'")

    assert account == [
        (date(2017, 3, 2), 5, 4, 0, 0, 1, 0),
        (date(2017, 3, 12), 1, 0, 0, 1, 0, 0),
        (date(2017, 4, 5), 3, 2, 1, 0, 0, 0),
        (date(2017, 4, 6), 1, 0, 1, 0, 0, 0),
    ]


def test_a_day_before_any_delivery_has_no_customer_and_measures_of_zero(shop_lake, both_days, tmp_path):
    nobody = build(shop_lake, tmp_path, BEFORE_ANY_DELIVERY)

    for table in ("customer_features", "row_account"):
        assert nobody.rows(table, "count(*)") == [(0,)], table
    (measured,) = nobody.records("feature_measures")
    assert (measured["as_of"], measured["known_on"]) == (date(2017, 3, 1), date(2017, 3, 1))
    of_nobody = ("_share", "_min", "_max", "_mean", "last_feature_on")
    counted = {name for name in measured if not name.endswith((*of_nobody, "as_of", "known_on"))}
    assert {"customers_in", "customers_out", "buyers", "net_features", "contradictions"} <= counted
    assert {name: measured[name] for name in counted} == dict.fromkeys(counted, 0)
    assert {value for name, value in measured.items() if name.endswith(of_nobody)} == {None}
    for table in ("customer_features", "feature_measures", "row_account"):
        assert nobody.types(table) == both_days.types(table), table


def test_customers_stand_in_the_order_of_their_ids(both_days):
    keys = [(record["customer_id"], record["as_of"]) for record in both_days.records("customer_features")]

    assert len(keys) == 6
    assert keys == sorted(keys)


def test_a_day_alone_and_rows_in_other_order_give_the_same_features(both_days, tmp_path):
    alone = build(shop(tmp_path / "lake", reverse=True), tmp_path / "run", APRIL_1)
    again = build(shop(tmp_path / "other"), tmp_path / "run2", APRIL_1)

    assert alone.rows("customer_features", "*") == both_days.rows("customer_features", "*", APRIL)
    for table in ("customer_features", "feature_measures"):
        first, second = (b.run_dir / "features" / f"{table}.parquet" for b in (alone, again))
        assert first.read_bytes() == second.read_bytes()


def test_a_return_document_of_the_benchmark_names_no_order(tmp_path):
    lake = FixtureLake(tmp_path / "lake", "bench")
    line = {"customer_id": 1, "product_id": 7, "category": "c", "unit_price_cents": 250, "discount_cents": 0}
    lake.deliver(
        "lines",
        "2017-03-10",
        [
            {**line, "order_id": 1, "line_no": 1, "order_ts": "2017-03-01 10:00:00", "quantity": 4},
            {**line, "order_id": 2, "line_no": 1, "order_ts": "2017-03-03 10:00:00", "quantity": -1},
        ],
        "a1",
    )

    built = build(lake, tmp_path / "run", APRIL_1, zone="UTC")

    columns = "customer_id, orders_life, net_life, aov_w, return_amount_w"
    assert built.rows("customer_features", columns) == [("1", 1, *money("7.50", "10.00", "2.50"))]


def test_on_every_day_the_winner_is_seen_and_an_older_load_column_never_wins(shop_lake, tmp_path):
    start = date(2017, 1, 1)
    draw = random.Random(7)
    rows = [
        (key, draw.randint(1, 3), draw.choice("abc"), start + timedelta(draw.randint(0, 5)), record)
        for record, key in enumerate(draw.choices(range(12), k=60))
    ]
    values = ", ".join(f"({k}, {load}, '{c}', date '{on}', 'f', 'c', {r})" for k, load, c, on, r in rows)
    names = "id, load, body, _delivered_on, _file, _content, _record"
    relation = f"(select * from (values {values}) as sent ({names}))"
    newer = "cast(raw_rows.load as bigint)"
    arguments = f'"{relation}", ["id"], ["id", "load", "body"], "load", "{newer}"'
    inline = "select * from ({{ judge_repeated_rows(" + arguments + ") }})"

    command = ["show", "--inline", inline, "--limit", "1000"]
    (result,) = run_dbt(command, shop_lake, tmp_path, [MAY_1], "UTC").results
    judged = [dict(zip(result.agate_table.column_names, row, strict=True)) for row in result.agate_table.rows]

    repeated = [key for key in range(12) if sum(row[0] == key for row in rows) > 1]
    assert len(judged) == sum(row[0] in repeated for row in rows)
    for key in repeated:
        for day in (start + timedelta(n) for n in range(7)):
            delivered = [row for row in rows if row[0] == key and row[3] <= day]
            seen = [
                row
                for row in judged
                if row["id"] == key
                and row["known_from_on"]
                and row["known_from_on"] <= day < row["known_until_on"]
            ]
            assert len(seen) == bool(delivered)
            if delivered:
                newest = max((row[1], row[3]) for row in delivered)
                bodies = {row[2] for row in delivered if (row[1], row[3]) == newest}
                assert seen[0]["load"] == newest[0]
                assert seen[0]["body"] in bodies


def test_every_model_says_its_grain_first():
    for layer in ("raw", "staging", "features"):
        folder = PROJECT / "models" / layer
        described = {
            model["name"]: model["description"]
            for file in folder.rglob("*.yml")
            for model in yaml.safe_load(file.read_text()).get("models", [])
        }
        assert {file.stem for file in folder.rglob("*.sql")} == set(described)
        assert [name for name, said in described.items() if "One row per " not in said] == []
