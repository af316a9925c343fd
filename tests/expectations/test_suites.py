"""Every promise of every suite is broken once, and seen to be."""

from __future__ import annotations

from pathlib import Path

import planted
import pytest
import yaml

from expectations import gate

FOLDER = Path(gate.__file__).parent
SUITES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
PROMISES = [(suite, entry["id"]) for suite, content in SUITES.items() for entry in content["promises"]]


def check(suite, changed=None):
    return {
        verdict.promise: verdict
        for verdict in gate.check(suite, planted.frames(SUITES[suite]["frames"], changed), planted.PARAMETERS)
    }


@pytest.fixture(scope="module")
def verdicts_on_planted_rows():
    """Suite → verdicts over frames in which every promise about rows is broken by a row of its own."""
    return {suite: check(suite, planted.planted_rows(suite)) for suite in SUITES}


def test_the_gates_of_the_day_and_that_of_the_memory_have_a_suite():
    assert list(SUITES) == ["features", "landed", "memory", "published"]
    assert all(content["name"] == suite for suite, content in SUITES.items())


@pytest.mark.parametrize("suite", SUITES)
def test_every_promise_has_a_case_that_breaks_it(suite):
    cases = [*planted.ROWS[suite], *planted.WHOLE[suite]]
    assert sorted(cases) == sorted(entry["id"] for entry in SUITES[suite]["promises"])


@pytest.mark.parametrize("suite", SUITES)
def test_good_frames_keep_every_promise(suite):
    verdicts = check(suite)
    assert [verdict for verdict in verdicts.values() if not verdict.passed] == []
    assert all(verdict.failing_count == 0 and not verdict.failing_keys for verdict in verdicts.values())


@pytest.mark.parametrize(("suite", "promise"), PROMISES)
def test_a_broken_promise_is_reported(suite, promise, verdicts_on_planted_rows):
    if promise in planted.WHOLE[suite]:
        name, rows = planted.WHOLE[suite][promise]
        verdict = check(suite, {name: rows, "customer_features": []})[promise]
    else:
        verdict = verdicts_on_planted_rows[suite][promise]
        key = "none" if promise == "customer_is_named" else promise
        assert any(key in failing.split("/") for failing in verdict.failing_keys)
        good = {
            "C1",
            "purchases_2018-01-01.csv.gz",
            "shop/purchases",
            "rfm/C1",
            "rfm/customer_id",
            "rfm/RFM01",
        }
        assert not good & set(verdict.failing_keys)
    assert not verdict.passed
    assert verdict.failing_count >= 1
    assert "could not be checked" not in verdict.observed
    assert verdict.observed
    assert verdict.expected


@pytest.mark.parametrize(("suite", "promise"), PROMISES)
def test_operators_read_every_promise_in_both_languages(suite, promise):
    entry = next(entry for entry in SUITES[suite]["promises"] if entry["id"] == promise)
    assert any("\u4e00" <= character <= "\u9fff" for character in entry["text_zh"])
    assert entry["text_en"].isascii()
    assert entry["text_en"].endswith(".")


@pytest.mark.parametrize(
    ("suite", "breaks"),
    [
        ("landed", {"required_extract_is_here", "required_extract_is_not_a_fragment"}),
        (
            "features",
            {"money_adds_up_to_the_cent", "recency_is_not_negative", "customers_in_are_customers_out"},
        ),
        ("published", {"shares_have_not_broken", "every_reason_holds", "every_key_is_unique"}),
    ],
)
def test_what_must_stop_the_day_is_a_break(suite, breaks, verdicts_on_planted_rows):
    strong = {
        name for name, verdict in verdicts_on_planted_rows[suite].items() if verdict.strength == "break"
    }
    assert breaks <= strong


def test_an_optional_extract_that_is_late_does_not_stop_the_day():
    late = planted.GOOD["extracts"][0] | {"extract": "feedback", "required": False, "state_today": "missing"}
    verdicts = check("landed", {"extracts": [*planted.GOOD["extracts"], late]})
    assert not verdicts["optional_extract_is_here"].passed
    gate.require(verdicts.values())


def test_an_extract_that_is_not_due_is_not_missed():
    resting = planted.GOOD["extracts"][0] | {"due": False, "state_today": "not due"}
    assert check("landed", {"extracts": [resting]})["required_extract_is_here"].passed


@pytest.mark.parametrize(
    ("row", "stops", "noted"),
    [
        ({"psi": 0.099}, False, False),
        ({"psi": 0.1}, False, True),
        ({"psi": 0.25}, False, True),
        ({"psi": 0.2501}, True, True),
        ({"psi": 0.2501, "approved": True}, False, True),
        ({"psi": 0.2501, "customers": 499.0}, False, True),
    ],
)
def test_a_drift_is_noted_from_a_tenth_and_stops_the_day_above_a_quarter(row, stops, noted):
    rows = [planted.GOOD["drift"][0] | row, *planted.GOOD["drift"][1:]]
    verdicts = check("published", {"drift": rows})
    assert verdicts["shares_have_not_broken"].passed is not stops
    assert verdicts["shares_are_stable"].passed is not noted


def test_only_a_segment_of_size_is_noted_for_changing_its_size():
    small = planted.GOOD["shares"][0] | {"customers": 10.0, "reference_customers": 49.0, "size_ratio": 0.2}
    rare = planted.GOOD["shares"][0] | {"share": 0.002, "reference_share": 0.009, "size_ratio": 0.2}
    assert check("published", {"shares": [small, rare]})["no_segment_changed_its_size_much"].passed


def test_a_table_that_was_not_built_is_named():
    verdicts = check("published", {"published_measures": planted.GOOD["published_measures"][1:]})
    verdict = verdicts["every_promised_table_is_measured"]
    assert (verdict.observed, verdict.failing_keys) == ("without customer_360", ("customer_360",))


def test_a_measure_that_was_not_computed_does_not_count_as_kept():
    rows = [row | {"reason_mismatches": None} for row in planted.GOOD["published_measures"]]
    verdict = check("published", {"published_measures": rows})["every_reason_holds"]
    assert not verdict.passed
    assert verdict.observed == "only 0 rows to judge"
