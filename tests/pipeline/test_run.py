from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.run import DayHeld, Run
from pipeline.settings import Settings
from storage.lake import Day


def run_of(lake: Path, run_id: str, going_on: set[str]) -> Run:
    settings = replace(Settings(), lake=lake)
    return Run(settings, Day.of(date(2018, 1, 1)), run_id, lambda other: other in going_on)


def test_a_day_held_by_a_run_that_goes_on_is_refused_and_the_holder_named(tmp_path):
    going_on = {"first"}
    run_of(tmp_path, "first", going_on).claim()
    with pytest.raises(DayHeld, match="as_of=2018-01-01 is held by run first"):
        run_of(tmp_path, "second", going_on).claim()


def test_a_claim_left_by_a_run_that_ended_is_taken_over(tmp_path):
    run_of(tmp_path, "first", set()).claim()
    run_of(tmp_path, "second", set()).claim()
    with pytest.raises(DayHeld, match="second"):
        run_of(tmp_path, "third", {"second"}).claim()


def test_a_run_may_claim_its_day_again_when_a_task_is_retried(tmp_path):
    run = run_of(tmp_path, "first", {"first"})
    run.claim()
    run.claim()


def test_a_claim_cut_off_while_it_was_written_is_taken_over(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "as_of=2018-01-01.claim.json").touch()
    run_of(tmp_path, "second", {"second"}).claim()
    with pytest.raises(DayHeld, match="second"):
        run_of(tmp_path, "third", {"second"}).claim()


def test_a_run_that_publishes_nothing_leaves_the_day_free(tmp_path):
    replace(run_of(tmp_path, "training", {"training"}), is_running=None).claim()
    run_of(tmp_path, "daily", {"training"}).claim()
