"""Customer value in the run of a day: fitted once a month, read off every day, the same bytes again."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow.parquet as pq
import pytest

from models.value import customer_value
from pipeline import monthly, value
from pipeline.run import Run
from pipeline.settings import REPOSITORY, load
from storage import artifacts, lake
from storage.lake import Day

sys.path.insert(0, str(REPOSITORY / "tests" / "models"))
import population

FIRST, LATER = date(2018, 1, 1), date(2018, 1, 20)
COLUMNS = {
    "customer_id": "varchar",
    "as_of": "date",
    "known_on": "date",
    "orders_life": "bigint",
    "gaps": "bigint",
    "recency_days": "integer",
    "tenure_days": "integer",
    "second_order_days": "integer",
    "net_life": "decimal(18,2)",
}


@pytest.fixture(scope="module")
def crowd():
    rows = population.crowd(1_500, seed=5)[list(COLUMNS)].sort_values("customer_id", ignore_index=True)
    for name in ("recency_days", "tenure_days", "second_order_days"):
        rows[name] = rows[name].astype("Int64")
    rows["net_life"] = [Decimal(str(amount)) for amount in rows["net_life"]]
    return rows


@pytest.fixture
def shop(tmp_path, crowd):
    """Settings, and the features of two days of a month in the lake; returns the run of a day."""
    (tmp_path / "segmentation.yml").write_text("sources: [complete_journey]\n")
    settings = load(tmp_path / "segmentation.yml")

    def run_of(as_of: date, rows: pd.DataFrame = crowd, **changed) -> Run:
        run = Run(replace(settings, **changed), Day.of(as_of), f"test__{as_of}")
        later = (as_of - FIRST).days
        rows = rows.assign(as_of=as_of, known_on=as_of)
        rows["recency_days"] += later
        rows["tenure_days"] += later
        for path in (lake.features_path(run.lake, run.day), _built(run.folder)):
            lake.write_parquet(path, [rows], COLUMNS, key="customer_id")
        return run

    return run_of


def _built(folder):
    return folder / "features" / "customer_features.parquet"


def _own(run):
    """The features the run has of the month's first day."""
    return run.folder


def _scores(run):
    return lake.scores_path(run.lake, value.SCORES, run.day)


def test_the_laws_are_fitted_once_a_month_and_read_every_day(shop):
    first, later = shop(FIRST), shop(LATER)
    made = value.ensure(first, _own)
    assert made["made"]
    assert made["status"] == "ok"
    assert value.ensure(later, _own) == {"value_version": made["value_version"], "made": False}
    for run in (first, later):
        assert value.score(run)["customers"] == 1_500
        versions = pq.read_table(_scores(run), columns=["value_version"]).column(0).unique().to_pylist()
        assert versions == [made["value_version"]]


def test_the_card_lies_beside_the_laws(shop):
    run = shop(FIRST)
    version = value.ensure(run, _own)["value_version"]
    folder = run.lake / "artifacts" / value.kind(run) / "2018-01-01"
    assert "# Customer value fitted on 2018-01-01" in (folder / f"{version}.md").read_text()


def test_the_same_day_again_is_the_same_bytes(shop, monkeypatch):
    run = shop(FIRST)
    version = value.fit(run, run.folder)["fitted"]
    value.score(run)
    before = _scores(run).read_bytes()
    assert value.fit(run, run.folder)["fitted"] == version
    whole = lake.batches
    monkeypatch.setattr(lake, "batches", lambda path, columns: whole(path, columns, rows=97))
    value.score(run)
    assert _scores(run).read_bytes() == before


def test_what_was_made_first_stays_in_force(shop, crowd):
    run = shop(FIRST)
    version = value.ensure(run, _own)["value_version"]
    again = value.fit(shop(FIRST, crowd.head(1_200)), run.folder)
    assert again["fitted"] != version
    assert again["value_version"] == version


def test_other_settings_have_laws_of_their_own(shop):
    run = shop(FIRST)
    cheap = replace(run.settings.thresholds, customer_value=customer_value.Thresholds(discount_rate=0.0))
    other = shop(FIRST, thresholds=cheap)
    assert value.kind(other) != value.kind(run)
    value.ensure(run, _own)
    value.ensure(other, _own)
    value.score(other)
    scored = lake.table(_scores(other), ["clv", "expected_revenue_365d"])
    assert scored["clv"].equals(scored["expected_revenue_365d"])


def test_a_day_stated_again_has_laws_of_what_is_known_then(shop):
    run = shop(FIRST)
    again = Run(run.settings, Day.of(FIRST, FIRST + timedelta(days=9)), "again")
    assert value.kind(again) == f"{value.kind(run)}/known_on_20180110"


def test_too_little_data_is_a_status_and_no_failure(shop, crowd):
    run = shop(FIRST, crowd.head(40))
    assert value.ensure(run, _own)["status"] == "insufficient"
    assert value.score(run) == {
        "customers": 40,
        "value_version": artifacts.in_force(run.lake, value.kind(run), run.day)[0],
        "status": "insufficient",
    }
    scored = lake.table(_scores(run), ["p_alive", "clv", "next_order_on", "reason_code"])
    assert scored[["p_alive", "clv", "next_order_on"]].isna().all(axis=None)
    assert set(scored["reason_code"]) <= {
        "VALUE_NO_ORDER", "VALUE_REPEAT_INSUFFICIENT", "VALUE_SECOND_ORDER_INSUFFICIENT",
    }  # fmt: skip


def test_without_laws_nothing_is_scored_and_the_message_says_from_where_to_clear(shop):
    with pytest.raises(monthly.NotFitted, match=r"no value for 2018-01-01.*clear ensure_models"):
        value.score(shop(FIRST))


def test_nobody_is_an_empty_table(shop, crowd):
    run = shop(FIRST, crowd.iloc[:0])
    value.ensure(run, _own)
    assert value.score(run)["customers"] == 0
    assert pq.read_schema(_scores(run)).names == [*value.KEYS, *customer_value.COLUMNS]
