"""What the gates look at, what they store, and what stops a day."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.gate import PromiseBroken, Verdict
from pipeline import gates
from storage import lake
from storage.lake import Day

DAY = Day.of(date(2018, 1, 1))  # a Monday
NEVER = frozenset()


@dataclass(frozen=True)
class Extract:
    source: str = "shop"
    name: str = "purchases"
    path: str = "purchases_{delivered_on}.csv.gz"
    marker: str | None = None
    required: bool = True
    resting: frozenset = NEVER

    def is_due(self, day):
        return day not in self.resting


@dataclass(frozen=True)
class Source:
    name: str
    extracts: tuple


@dataclass(frozen=True)
class Delivery:
    delivered_on: date
    source: str = "shop"
    extract: str = "purchases"
    file: str = "purchases.csv.gz"
    content: str = "0123456789ab"
    rows_in: int = 100
    rows_raw: int = 100
    rows_quarantined: int = 0
    status: str = "accepted"
    reason: str | None = None
    added_columns: str = ""
    missing_columns: str = ""


def daily(days=60, **facts):
    """A delivery of 100 rows on each of the days up to and with the day of the run."""
    return [Delivery(DAY.as_of - timedelta(days=ago), **facts) for ago in range(days)]


def on(ago, **facts):
    return Delivery(DAY.as_of - timedelta(days=ago), **facts)


def sources(*extracts):
    return [Source("shop", tuple(extracts) or (Extract(),))]


def extract_row(deliveries, extract=None, day=DAY):
    frame = gates.extracts_frame(sources(extract or Extract()), deliveries, day)
    return frame.to_dict("records")[0]


# --- landed ------------------------------------------------------------------------------------------------


def test_an_ordinary_day_passes_and_returns_counts(tmp_path):
    assert gates.check_landed(tmp_path, DAY, sources(), daily()) == {"promises": 18, "broken": 0, "noted": 0}


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ([], r"shop/purchases: missing \(no file like purchases_2018-01-01.csv.gz\)"),
        (
            [on(0, status="set_aside", reason="truncated_archive", rows_raw=0, rows_in=0)],
            r"shop/purchases: set aside \(truncated_archive\)",
        ),
        (
            [
                on(
                    0,
                    status="set_aside",
                    reason="wrong_header",
                    missing_columns="basket_id",
                    rows_raw=0,
                    rows_in=0,
                )
            ],
            r"set aside \(wrong_header, without basket_id\)",
        ),
        ([on(0, rows_raw=40, rows_quarantined=60)], "shop/purchases: 0.6"),
        ([on(0, rows_in=9, rows_raw=9)], "shop/purchases: 0.09"),
        ([on(0, rows_raw=99)], "rows_are_accounted_for"),
    ],
)
def test_a_bad_day_is_stopped_and_the_message_names_the_extract(tmp_path, today, said):
    with pytest.raises(PromiseBroken, match=said):
        gates.check_landed(tmp_path, DAY, sources(), [*daily()[1:], *today])


def test_a_file_that_was_sent_before_is_noted_and_stops_nothing(tmp_path):
    again = on(0, status="duplicate", rows_raw=0)
    assert gates.check_landed(tmp_path, DAY, sources(), [*daily()[1:], again])["noted"] == 1
    assert extract_row([*daily()[1:], again])["state_today"] == "sent again"


def test_an_optional_extract_without_a_delivery_is_noted_and_stops_nothing(tmp_path):
    declared = sources(Extract(), Extract(name="feedback", required=False))
    assert gates.check_landed(tmp_path, DAY, declared, daily())["noted"] == 1


def test_usual_is_the_median_of_the_weekday_in_the_eight_weeks_before():
    weeks = [on(7 * week, rows_in=rows, rows_raw=rows) for week, rows in enumerate([50, 10, 20, 30, 40], 1)]
    other = [on(1, rows_in=9999), on(7 * 9, rows_in=9999), on(14, rows_in=9999, status="set_aside")]
    row = extract_row([on(0), *weeks, *other])
    assert row["weekday_median_rows"] == 30
    assert row["rows_ratio"] == pytest.approx(100 / 30)


def test_with_fewer_than_four_weeks_nothing_is_usual_yet():
    row = extract_row([on(0), on(7), on(14), on(21)])
    assert math.isnan(row["weekday_median_rows"])
    assert math.isnan(row["rows_ratio"])


def test_the_parts_of_a_day_are_counted_together():
    parts = [on(ago, file=file) for ago in (0, 7, 14, 21, 28) for file in ("a.csv", "b.csv")]
    row = extract_row(parts)
    assert (row["rows_in_today"], row["weekday_median_rows"], row["usable_deliveries_today"]) == (200, 200, 2)


def test_days_without_a_usable_delivery_are_counted_since_the_first_one():
    gone = {3, 5}
    deliveries = [on(ago) for ago in range(10) if ago not in gone] + [
        on(5, status="set_aside", reason="empty_file")
    ]
    assert extract_row(deliveries)["earlier_missing_days"] == 2
    assert extract_row(deliveries[1:])["earlier_missing_days"] == 2  # today is not earlier
    resting = Extract(resting=frozenset({DAY.as_of - timedelta(days=3)}))
    assert extract_row(deliveries, resting)["earlier_missing_days"] == 1


def test_a_day_stated_again_is_judged_by_its_own_delivery():
    later = Day.of(DAY.as_of, DAY.as_of + timedelta(days=2))
    row = extract_row([*daily()[1:], on(-1), on(-2)], day=later)
    assert row["state_today"].startswith("missing")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"path": "in/{delivered_on}/*.csv"}, "missing (no file like in/2018-01-01/*.csv)"),
        ({"path": "p_{last_day:%Y%m%d}.csv"}, "missing (no file like p_{last_day:%Y%m%d}.csv of 2018-01-01)"),
        (
            {"path": "p_{delivered_on}.csv", "marker": "{stem}.done"},
            "missing (no file like p_2018-01-01.csv and its marker)",
        ),
    ],
)
def test_of_a_missing_file_it_is_said_what_was_looked_for(declared, said):
    assert extract_row(daily()[1:], Extract(**declared))["state_today"] == said


def test_columns_nobody_declared_are_named():
    row = extract_row([on(0, added_columns="colour,mood"), on(0, file="b.csv", added_columns="mood")])
    assert row["added_columns_today"] == "colour,mood"


def test_the_order_of_deliveries_changes_nothing():
    declared = sources(Extract(name="b"), Extract(name="a"))
    deliveries = [*daily(extract="a"), *daily(extract="b", rows_in=7, rows_raw=7)]
    forwards = gates.extracts_frame(declared, deliveries, DAY)
    pd.testing.assert_frame_equal(forwards, gates.extracts_frame(declared, deliveries[::-1], DAY))
    pd.testing.assert_frame_equal(
        gates.deliveries_frame(deliveries), gates.deliveries_frame(deliveries[::-1])
    )


# --- features ----------------------------------------------------------------------------------------------


def test_a_cent_is_seen_among_ninety_trillions(tmp_path):
    amounts = {
        "net_features": "90000000000000.01",
        "net_anonymous": "0.02",
        "net_staging": "90000000000000.02",
    }
    money = {name: pa.array([Decimal(value)], pa.decimal128(18, 2)) for name, value in amounts.items()}
    pq.write_table(pa.table({"as_of": pa.array([DAY.as_of], pa.date32())} | money), tmp_path / "m.parquet")
    assert gates.feature_measures_frame(tmp_path / "m.parquet")["net_difference"].tolist() == [0.01]


def test_a_lost_column_breaks_the_promises_about_it_and_says_so(tmp_path):
    features = tmp_path / "customer_features.parquet"
    pq.write_table(pa.table({"customer_id": ["1"], "recency_days": pa.array([3], pa.int32())}), features)
    measures = tmp_path / "run" / "features" / "feature_measures.parquet"
    measures.parent.mkdir(parents=True)
    money = {name: [Decimal("1.00")] for name in ("net_features", "net_anonymous", "net_staging")}
    pq.write_table(pa.table(money), measures)
    nobody = {
        name: pa.array([], pa.string()) for name in ("customer_id", "source", "other_source", "other_owner")
    }
    pq.write_table(pa.table(nobody), measures.with_name("owner_conflicts.parquet"))
    pairs = {name: pa.array([], pa.string()) for name in ("rule", "source", "other_source")}
    pairs |= {name: pa.array([], pa.int64()) for name in ("ambiguous", "refused")}
    pq.write_table(pa.table(pairs), measures.with_name("identity_report.parquet"))
    with pytest.raises(PromiseBroken, match='The column "tenure_days"'):
        gates.check_features(tmp_path / "run", DAY, features)
    said = {verdict.promise: verdict for verdict in gates.read(tmp_path / "run", "features")}
    assert said["recency_is_not_negative"].passed
    assert not said["tenure_covers_recency"].passed


# --- published ---------------------------------------------------------------------------------------------


def measures_of(shares, customers=1000):
    rows = [
        {
            "table_name": "segment_profile",
            "measure": measure,
            "subject": f"{scheme}/{segment}",
            "value": value,
        }
        for scheme, of in shares.items()
        for segment, share in of.items()
        for measure, value in (("customers", share * customers), ("share", share))
    ]
    whole = [
        {"table_name": table, "measure": "rows", "subject": "", "value": 1000.0}
        for table in ("customer_features", "rfm", "dictionary")
    ]
    return pd.DataFrame([*whole, *rows])


def test_psi_of_a_known_case():
    # .5/.5 against .7/.3: -.2 ln(5/7) + .2 ln(5/3)
    value = gates.psi({"A": 0.5, "B": 0.5}, {"A": 0.7, "B": 0.3})
    assert value == pytest.approx(0.2 * math.log(7 / 5) + 0.2 * math.log(5 / 3))
    assert gates.psi({"A": 0.7, "B": 0.3}, {"A": 0.5, "B": 0.5}) == pytest.approx(value)


def test_equal_shares_have_no_psi_however_they_are_ordered():
    assert gates.psi({"A": 0.2, "B": 0.8}, {"B": 0.8, "A": 0.2}) == 0


def test_a_segment_only_one_side_has_counts_as_empty_on_the_other():
    gone, named = {"A": 1.0}, {"A": 1.0, "B": 0.0}
    reference = {"A": 0.5, "B": 0.5}
    assert gates.psi(gone, reference) == gates.psi(named, reference) > 1
    assert gates.psi(reference, gone) == pytest.approx(gates.psi(gone, reference))


def test_an_empty_segment_has_a_finite_psi_and_weighs_little_among_few():
    appeared = gates.psi({"A": 39 / 40, "B": 1 / 40}, {"A": 1.0})
    assert 0.13 < appeared < 0.15
    assert gates.psi({"A": 39 / 40, "B": 1 / 40}, {"A": 1.0}, customers=40) < 0.02
    assert gates.psi({"A": 0.75, "B": 0.25}, {"A": 1.0}, customers=1_000_000) > 0.25


def test_a_segment_that_vanished_or_appeared_is_compared():
    shares = gates.shares_frame(measures_of({"rfm": {"A": 0.6, "B": 0.4}}), {"rfm": {"A": 0.5, "C": 0.5}})
    assert list(shares["segment"]) == ["A", "B", "C"]
    assert shares.set_index("segment").loc["C", ["share", "reference_share"]].tolist() == [0.0, 0.5]
    drift = gates.drift_frame(shares, ["rfm"])
    assert drift["share_sum"].tolist() == [1.0]
    assert drift["psi"][0] > 1
    assert drift["approved"].tolist() == [True]


def test_a_scheme_without_a_reference_cannot_be_compared():
    shares = gates.shares_frame(
        measures_of({"rfm": {"A": 1.0}, "value_tier": {"A": 1.0}}), {"rfm": {"A": 1.0}}
    )
    assert gates.drift_frame(shares, []).set_index("scheme")["psi"].isna().to_dict() == {
        "rfm": False,
        "value_tier": True,
    }


def test_measures_become_one_row_a_table_beside_the_number_of_customers():
    frame = gates.published_measures_frame(measures_of({"rfm": {"A": 1.0}}))
    assert frame["table_name"].tolist() == ["dictionary", "rfm"]
    assert frame["rows"].tolist() == [1000, 1000]
    assert math.isnan(frame["customers"][0])
    assert frame["customers"][1] == 1000


def test_columns_are_compared_with_their_contract(tmp_path):
    table = pa.table(
        {"customer_id": ["1"], "net_w": pa.array([Decimal("1.00")], pa.decimal128(18, 2)), "surprise": [1]}
    )
    pq.write_table(table, tmp_path / "rfm.parquet")
    pq.write_table(table, tmp_path / "published_measures.parquet")
    contract = {
        "rfm": {
            "types": {"customer_id": "varchar", "as_of": "date", "net_w": "DECIMAL(18, 2)"},
            "columns": {"customer_id": "The customer.", "net_w": ""},
        }
    }
    frame = gates.columns_frame(tmp_path, contract).set_index("column_name")
    assert set(frame["table_name"]) == {"rfm"}
    assert frame["promised_position"].to_dict() == pytest.approx(
        {"customer_id": 1, "as_of": 2, "net_w": 3, "surprise": math.nan}, nan_ok=True
    )
    assert math.isnan(frame.loc["as_of", "position"])
    assert frame.loc["net_w", ["data_type", "promised_type"]].tolist() == ["decimal(18,2)"] * 2
    assert frame.loc["net_w", "position"] == 2
    assert frame.loc["customer_id", "description"] == "The customer."


# --- what is stored ----------------------------------------------------------------------------------------


def verdict(gate, promise="a", **changed):
    facts = {
        "subject": "t.c",
        "strength": "break",
        "passed": True,
        "observed": "0",
        "expected": "= 0",
        "failing_count": 0,
        "failing_keys": (),
        "text_zh": "好。",
        "text_en": "Good.",
    }
    return Verdict(gate=gate, promise=promise, **facts | changed)


def digest(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_results_are_stored_before_the_day_is_stopped(tmp_path):
    with pytest.raises(PromiseBroken):
        gates.check_landed(tmp_path, DAY, sources(), daily()[1:])
    told = json.loads((tmp_path / "gates" / "landed.json").read_text())
    missing = next(entry for entry in told if entry["promise"] == "required_extract_is_here")
    assert (missing["passed"], missing["strength"]) == (False, "break")
    assert missing["observed"] == "shop/purchases: missing (no file like purchases_2018-01-01.csv.gz)"
    keys = pq.read_table(tmp_path / "gates" / "landed_failing_keys.parquet").to_pylist()
    assert {
        "gate": "landed",
        "promise": "required_extract_is_here",
        "subject": "extracts.state_today",
        "key": "shop/purchases",
    } in keys
    assert "shop/purchases: missing" in (tmp_path / "gates" / "gates.html").read_text()


def test_what_is_stored_reads_back(tmp_path):
    said = [verdict("landed", "b", passed=False, failing_count=2, failing_keys=("2", "1")), verdict("landed")]
    gates._store(tmp_path, DAY, "landed", said)
    assert gates.read(tmp_path, "landed") == said


def test_the_same_day_twice_stores_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        gates.check_landed(tmp_path / name, DAY, sources(), daily() if name == "one" else daily()[::-1])
    assert digest(tmp_path / "one" / "gates") == digest(tmp_path / "two" / "gates")


def test_a_gate_that_is_passed_again_forgets_what_later_ones_said(tmp_path):
    for name in gates.GATES:
        gates._store(tmp_path, DAY, name, [verdict(name)])
    gates._store(tmp_path, DAY, "landed", [verdict("landed")])
    with pytest.raises(gates.GateNotPassed, match="gate features has not spoken"):
        gates.quality_results(tmp_path, DAY)


def test_quality_results_hold_every_promise_in_the_order_of_the_day(tmp_path):
    for name in gates.GATES:
        note = verdict(name, "z", strength="note", passed=False, failing_count=3, failing_keys=("x",))
        gates._store(tmp_path, DAY, name, [note, verdict(name, "a")])
    path = gates.quality_results(tmp_path, DAY)
    table = pq.read_table(path)
    assert table.column_names == list(gates.QUALITY_RESULTS)
    rows = table.to_pylist()
    assert [(row["gate"], row["promise"]) for row in rows] == [
        (name, promise) for name in gates.GATES for promise in "az"
    ]
    assert {(row["as_of"], row["known_on"]) for row in rows} == {(DAY.as_of, DAY.known_on)}
    assert rows[1]["failing_count"] == 3
    before = path.read_bytes()
    assert gates.quality_results(tmp_path, DAY).read_bytes() == before


def test_the_page_of_a_run_shows_the_gates_so_far(tmp_path):
    gates._store(tmp_path, DAY, "landed", [verdict("landed")])
    page = gates.report(tmp_path, DAY)
    assert page == tmp_path / "gates" / "gates.html"
    assert "not reached" in page.read_text()
    assert lake.remove_leftovers(tmp_path) == []
