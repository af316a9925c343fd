"""The gate itself: batches, errors, texts. The suites have their own tests."""

from __future__ import annotations

import logging
import pickle
import tracemalloc
from datetime import date

import numpy as np
import pandas as pd
import pytest

from expectations import gate

SUITE = """
name: small
frames:
  customers: {key: [customer_id], names_people: true}
  tables: {key: [table_name]}
promises:
  - id: recency
    frame: customers
    type: expect_column_values_to_be_between
    kwargs: {column: recency_days, min_value: 0}
    severity: critical
    text_zh: 不为负。
    text_en: Not negative.
  - id: mostly_small
    frame: customers
    type: expect_column_values_to_be_between
    kwargs: {column: recency_days, max_value: 100}
    mostly: 0.9
    severity: warning
    text_zh: 多数不大。
    text_en: Mostly small.
  - id: buyers_have_one
    frame: customers
    type: expect_column_values_to_not_be_null
    kwargs: {column: recency_days}
    where: orders > 0
    severity: critical
    text_zh: 有订单就有。
    text_en: With an order there is one.
  - id: rows
    frame: tables
    type: expect_column_values_to_be_between
    kwargs: {column: rows, min_value: 1}
    at_least: 2
    severity: critical
    text_zh: 有数据。
    text_en: There are rows.
  - id: total
    frame: tables
    type: expect_column_sum_to_be_between
    kwargs: {column: rows, max_value: {$PARAMETER: most}}
    severity: warning
    text_zh: 不太多。
    text_en: Not too many.
"""

TABLES = pd.DataFrame({"table_name": ["rfm", "lifecycle"], "rows": [1_200_000, 3]})


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "small.yml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def customers(rows=40):
    """Customer n has a recency of n - 2 days and, if n is odd, an order; every tenth has no recency."""
    numbers = np.arange(rows)
    recency = np.where(numbers % 10 == 5, np.nan, numbers - 2.0)
    ids = pd.Series([f"C{number:04}" for number in numbers], dtype="str")
    return pd.DataFrame({"customer_id": ids, "recency_days": recency, "orders": numbers % 2.0})


def in_batches(frame, size):
    def batches(columns):
        return (frame[list(columns)].iloc[start : start + size] for start in range(0, len(frame), size))

    return batches


def check(suite, frame, tables=TABLES, **parameters):
    frames = {"customers": frame, "tables": tables}
    return {
        verdict.promise: verdict for verdict in gate.check(suite, frames, {"most": 2_000_000} | parameters)
    }


@pytest.mark.parametrize("size", [13, 39, 1000])
def test_the_cut_into_batches_changes_no_verdict(suite, size):
    whole = check(suite, customers())
    assert check(suite, in_batches(customers(), size)) == whole
    assert whole["recency"].failing_keys == ("C0000", "C0001")
    assert whole["buyers_have_one"].failing_keys == ("C0005", "C0015", "C0025", "C0035")


@pytest.mark.parametrize(("large", "passed"), [(10, True), (11, False)])
def test_mostly_is_judged_on_all_batches_together(suite, large, passed):
    frame = customers(100).assign(recency_days=[1000.0] * large + [1.0] * (100 - large))
    verdict = check(suite, in_batches(frame, 10))["mostly_small"]  # the first batch breaks it on its own
    assert verdict.passed is passed
    assert verdict.failing_count == large


def test_only_the_columns_the_promises_name_are_read(suite):
    asked = []

    def batches(columns):
        asked.extend(columns)
        return [customers()[list(columns)]]

    check(suite, batches)
    assert sorted(asked) == ["customer_id", "orders", "recency_days"]


def test_at_most_a_hundred_keys_are_kept_and_all_are_counted(suite):
    frame = customers(1000).assign(recency_days=-1.0)
    verdict = check(suite, in_batches(frame, 70 * 6))["recency"]
    assert verdict.failing_count == 1000
    assert verdict.failing_keys == tuple(f"C{number:04}" for number in range(100))
    assert verdict.observed == "1,000 of 1,000 rows (100.00%) fail"


def a_million_rows(columns, batches=8):
    """Customers 0 to 999,999 in batches of 125,000; customer 77,777 has a recency below zero."""
    for start in range(0, batches * 125_000, 125_000):
        numbers = np.arange(start, start + 125_000)
        recency = np.where(numbers == 77_777, -1.0, numbers % 101.0)
        yield pd.DataFrame({"customer_id": numbers, "recency_days": recency, "orders": 1.0})[list(columns)]


def test_a_million_rows_take_the_memory_of_a_batch(suite):
    def peak(batches):
        tracemalloc.start()
        verdict = check(suite, lambda columns: a_million_rows(columns, batches))["recency"]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (verdict.failing_count, verdict.failing_keys) == (1, ("77777",))
        return most

    check(suite, customers())  # what importing the checker takes is not a batch's
    assert peak(8) < 1.3 * peak(2)


def test_a_table_without_rows_breaks_no_promise_about_rows(suite):
    verdicts = check(suite, in_batches(customers(0), 10))
    assert verdicts["recency"].passed
    assert verdicts["recency"].observed == "nothing to judge"


def test_too_few_rows_to_judge_break_the_promise_that_asks_for_more(suite):
    verdict = check(suite, customers(), TABLES.iloc[:1])["rows"]
    assert not verdict.passed
    assert verdict.observed == "only 1 rows to judge"


def test_what_cannot_be_checked_is_a_broken_promise_and_says_why(suite):
    verdicts = check(suite, customers().drop(columns="recency_days"))
    assert not verdicts["recency"].passed
    assert 'could not be checked: The column "recency_days"' in verdicts["recency"].observed
    assert verdicts["rows"].passed
    with pytest.raises(gate.PromiseBroken, match="recency_days"):
        gate.require(verdicts.values())


def test_a_condition_that_cannot_be_evaluated_is_a_broken_promise(suite):
    for frame in (customers().drop(columns="orders"), customers().assign(orders="many")):
        verdict = check(suite, frame)["buyers_have_one"]
        assert not verdict.passed
        assert "could not be checked: the condition orders > 0 fails" in verdict.observed


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("due", [0, 1]),
        ("not due", [2, 3]),
        ("required", [0, 2]),
        ("required and due", [0]),
        ("due and not required", [1]),
        ("state != 'late'", [0, 2, 3]),
        ("(rows >= 10 or rows < 2) and (required or due)", [0, 2]),
        ("rows == 5", [1]),
    ],
)
def test_a_condition_chooses_its_rows_and_unknown_is_no_yes(where, rows):
    frame = pd.DataFrame(
        {
            "due": pd.array([True, True, False, False], dtype="boolean"),
            "required": pd.array([True, False, True, None], dtype="boolean"),
            "state": ["here", "late", "here", None],
            "rows": [10.0, 5.0, 1.0, np.nan],
        }
    )
    assert list(frame.index[gate._holds(where, frame)]) == rows


def test_a_condition_that_is_more_than_a_comparison_is_refused():
    with pytest.raises(gate.SuiteWrong, match="is no comparison"):
        gate._holds("rows.sum() > 3", TABLES)


def test_values_of_another_type_are_a_broken_promise(suite):
    frame = customers().assign(recency_days="soon")
    verdict = check(suite, frame)["recency"]
    assert not verdict.passed
    assert "could not be checked" in verdict.observed


def test_a_failure_of_the_checker_itself_breaks_every_promise_of_the_frame(suite, monkeypatch):
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.exceptions import GreatExpectationsError

    def fail(*arguments, **named):
        raise GreatExpectationsError("no room\nleft")

    monkeypatch.setattr(Batch, "validate", fail)
    verdicts = check(suite, customers())
    assert not any(verdict.passed for verdict in verdicts.values())
    assert {verdict.observed for verdict in verdicts.values()} == {"could not be checked: no room"}


def test_a_promise_about_a_whole_table_is_refused_on_batches(suite):
    with pytest.raises(gate.SuiteWrong, match="total cannot be checked batch by batch"):
        gate.check(suite, {"customers": customers(), "tables": in_batches(TABLES, 1)}, {"most": 1})


def test_verdicts_stand_in_the_order_of_the_suite_and_are_equal_twice(suite):
    first, second = check(suite, customers()), check(suite, customers())
    assert list(first) == ["recency", "mostly_small", "buyers_have_one", "rows", "total"]
    assert first == second


def test_observed_and_expected_are_short_and_stable(suite):
    verdicts = check(suite, customers(), most=1_000_000)
    assert [(verdict.observed, verdict.expected) for verdict in verdicts.values()] == [
        ("2 of 36 rows (5.56%) fail", "≥ 0"),
        ("all 36 rows", "≤ 100 in at least 90 % of rows"),
        ("4 of 20 rows (20.00%) fail", "a value where orders > 0"),
        ("3 to 1,200,000 in 2 rows", "≥ 1 (2 rows or more)"),
        ("1,200,003", "≤ 1,000,000"),
    ]


def test_customers_are_counted_in_texts_and_named_only_among_the_keys(suite):
    verdict = check(suite, customers())["recency"]
    assert "C0000" not in verdict.observed
    assert "C0000" in verdict.failing_keys


def test_tables_are_named_in_texts(suite):
    verdict = check(suite, customers(), TABLES.assign(rows=[0, 3]))["rows"]
    assert verdict.observed == "rfm: 0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (1234567.0, "1,234,567"),
        (0.123456, "0.1235"),
        (0.00001234, "1.23e-05"),
        (float("nan"), "none"),
        (None, "none"),
        (pd.NA, "none"),
        (np.True_, "yes"),
        (pd.Timestamp("2018-01-01"), "2018-01-01"),
        (date(2018, 1, 1), "2018-01-01"),
        (float("inf"), "inf"),
    ],
)
def test_a_value_has_one_spelling(value, text):
    assert gate._text(value) == text


def test_the_error_names_every_broken_promise_and_no_note(suite):
    verdicts = check(suite, customers(), TABLES.assign(rows=[0, 3]), most=1)
    with pytest.raises(gate.PromiseBroken) as stopped:
        gate.require(verdicts.values())
    lines = str(stopped.value).splitlines()
    assert lines[0] == "gate small: 3 promises broken, nothing goes on"
    assert lines[3] == (
        "  tables.rows (rows): observed rfm: 0; expected ≥ 1 (2 rows or more); failing 1. "
        "There are rows. 有数据。"
    )
    assert len(lines) == 4
    assert str(pickle.loads(pickle.dumps(stopped.value))) == str(stopped.value)


def test_notes_alone_stop_nothing(suite):
    verdicts = check(suite, customers().iloc[6:15:2], most=1)
    assert not verdicts["total"].passed
    gate.require(verdicts.values())


@pytest.mark.parametrize(
    ("found", "put", "message"),
    [
        ("severity: warning", "severity: info", "neither critical"),
        ("id: total", "id: rows", "rows is made twice"),
        ("mostly:", "mostley:", "mostley is not a key known here"),
        ("frame: tables", "frame: table", "frame table is not among"),
        ("    text_en: Not negative.\n", "", "lacks text_en"),
        ("$PARAMETER: most", "$PARAMETER: more", "wants parameter more"),
    ],
)
def test_a_misspelt_suite_is_refused_by_name(suite, found, put, message):
    suite.write_text(SUITE.replace(found, put, 1), encoding="utf-8")
    with pytest.raises(gate.SuiteWrong, match=message):
        check(suite, customers())


def test_a_frame_that_is_not_given_is_named(suite):
    with pytest.raises(gate.SuiteWrong, match="speaks of tables"):
        gate.check(suite, {"customers": customers()}, {"most": 1})


def test_the_checker_keeps_quiet(suite, caplog, capfd):
    with caplog.at_level(logging.INFO):
        check(suite, customers())
    assert not [record for record in caplog.records if record.name.startswith("great_expectations")]
    assert capfd.readouterr() == ("", "")
