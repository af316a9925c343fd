"""Maintenance as the command and the DAG call it: on the small shop's own day."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
from test_day import LAST as AS_OF
from test_day import make

from models.schemes import SCHEMES
from pipeline import __main__ as commands
from pipeline import maintenance, steps
from pipeline.run import Run
from pipeline.settings import Retention, Settings, load
from storage import erasure, published
from storage.lake import Day

CUSTOMER = "7"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Settings:
    """A lake after a published day of the small shop."""
    settings = load(make(tmp_path_factory.mktemp("maintenance")))
    run = Run(settings, Day.of(AS_OF), "day")
    for step in steps.STEPS:
        steps.take(run, step)
    return settings


def customers(settings: Settings) -> dict[str, list[str]]:
    """Table BI sees → the customers of its rows."""
    found = {}
    folders = (published.current_folder(settings.lake), published.current_memory(settings.lake))
    for path in sorted(path for folder in folders for path in folder.glob("*.parquet")):
        if "customer_id" in pq.read_schema(path).names:
            found[path.stem] = pq.read_table(path).column("customer_id").to_pylist()
    return found


@pytest.mark.slow
def test_a_person_goes_from_a_real_day_and_a_rerun_keeps_them_away(made, caplog):
    caplog.set_level(logging.DEBUG)
    before = customers(made)
    # not everybody has written something: feedback_item_state has rows of those who did
    assert all(CUSTOMER in ids for table, ids in before.items() if table != "feedback_item_state")
    assert len(before) >= 6
    asked = {"source": "complete_journey", "customer": CUSTOMER, "linked": False}
    counts = maintenance.take(Run(made, Day.of(AS_OF), "maintenance__x", None), "erase", asked)
    assert counts["found_afterwards"] == 0
    assert counts["published_rows"] == sum(ids.count(CUSTOMER) for ids in before.values())
    assert counts["history_rows"] > len(SCHEMES)
    assert {"segment_event", "segment_membership"} <= set(before)
    assert counts["raw_rows"] > 1
    assert all(isinstance(count, int) for count in counts.values())  # XCom holds no more
    after = customers(made)
    assert after == {table: [each for each in ids if each != CUSTOMER] for table, ids in before.items()}
    assert "customer 7" not in caplog.text

    kept = {
        table: pd.read_parquet(published.current_folder(made.lake) / f"{table}.parquet")
        for table in ("lifecycle", "value_tier")
    }
    run = Run(made, Day.of(AS_OF), "again")
    for step in steps.STEPS:
        steps.take(run, step)
    assert customers(made) == after
    for table, rows in kept.items():
        again = pd.read_parquet(published.current_folder(made.lake) / f"{table}.parquet")
        pd.testing.assert_frame_equal(again, rows)


@pytest.mark.slow
def test_nothing_is_erased_unless_somebody_is_named(made):
    run = Run(made, Day.of(AS_OF), "maintenance__x", None)
    assert maintenance.take(run, "erase", {"source": None, "customer": None}) == {"people": 0}
    with pytest.raises(maintenance.NobodyNamed, match="source"):
        maintenance.take(run, "erase", {"customer": CUSTOMER})
    with pytest.raises(maintenance.NobodyNamed, match="no customer"):
        maintenance.erase(made, "complete_journey", AS_OF, customers=["  "])


def test_without_a_key_nothing_is_touched(made, monkeypatch):
    monkeypatch.delenv("SEGMENTATION_HASH_KEY")
    monkeypatch.setattr(erasure, "erase", lambda *_: pytest.fail("went on without a key"))
    with pytest.raises(maintenance.NobodyNamed, match="SEGMENTATION_HASH_KEY"):
        maintenance.erase(made, "complete_journey", AS_OF, customers=[CUSTOMER])


def test_what_was_sent_goes_by_the_settings_days_and_the_day_can_be_run_again(made):
    kept = replace(made, retention=Retention(landing_days=30, quarantine_days=30, runs_days=1))
    counts = maintenance.retain(kept, AS_OF, lambda run_id: False)
    assert counts["landing_files"] > 20
    assert counts["landing_unread"] == 0
    left = len([path for path in (made.lake / "landing").rglob("*") if path.is_file()])
    run = Run(made, Day.of(AS_OF), "after")
    assert steps.land(run)["new"] == 0
    assert len([path for path in (made.lake / "landing").rglob("*") if path.is_file()]) == left


def test_a_lake_that_is_behind_today_is_counted_back_from_what_it_published_last(made):
    todays = AS_OF + timedelta(days=3000)
    kept = replace(made, retention=Retention(landing_days=400, quarantine_days=400, runs_days=400))
    counts = maintenance.retain(kept, todays, lambda run_id: False)
    assert counts == maintenance.retain(kept, AS_OF, lambda run_id: False)
    assert counts["landing_files"] == 0
    assert (made.lake / "runs" / "day").is_dir()


def test_before_anything_is_published_nothing_is_let_go(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEGMENTATION_SETTINGS", str(make(tmp_path)))
    settings = load()
    steps.land(Run(settings, Day.of(AS_OF), "first"))
    landed = [path for path in (settings.lake / "landing").rglob("*") if path.is_file()]
    assert landed
    assert commands.main(["retain", "--day", (AS_OF + timedelta(days=3000)).isoformat()]) == 0
    assert "nothing is published yet" in capsys.readouterr().out
    assert [path for path in (settings.lake / "landing").rglob("*") if path.is_file()] == landed


def test_the_command_says_how_much_went_and_never_whose(made, monkeypatch, capsys):
    monkeypatch.setenv("SEGMENTATION_SETTINGS", str(made.lake.parent / "segmentation.yml"))
    named = ["--source", "complete_journey", "--customer", "149", "--day", AS_OF.isoformat()]
    assert commands.main(["erase", *named]) == 0
    told = capsys.readouterr()
    assert "found afterwards: 0" in told.out
    assert "149" not in told.out + told.err
    assert not any("149" in ids for ids in customers(made).values())
    assert commands.main(["retain", "--day", AS_OF.isoformat()]) == 0
    assert "quarantine_rows 0" in capsys.readouterr().out
