"""One run of the pipeline for one day: where it works, and that it is the only one of its day."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.settings import REPOSITORY, Settings, load
from storage import declaration, lake
from storage.lake import Day

if TYPE_CHECKING:
    from storage.declaration import Source

RAW_MODELS = REPOSITORY / "dbt_project" / "models" / "raw"
SEEDS = REPOSITORY / "dbt_project" / "seeds"
DAG_ID = "customer_segmentation"


class DayHeld(RuntimeError):
    """Another run works on the same day; the message names it."""


@dataclass(frozen=True)
class Run:
    """One run: its settings, its day and its id (the name of its folder under runs/).

    `is_running` answers whether another run, named by its id, is still going on; None for a run that
    publishes nothing (model training) and so does not claim its day. `attempt` counts how often the task at
    work was started in the run, clearing included.
    """

    settings: Settings
    day: Day
    run_id: str
    is_running: Callable[[str], bool] | None = lambda run_id: False
    attempt: int = 1

    @property
    def lake(self) -> Path:
        """The root all layers lie under."""
        return self.settings.lake

    @cached_property
    def folder(self) -> Path:
        """The run's own folder: its DuckDB file, what it built, what its gates said."""
        return lake.run_dir(self.lake, self.run_id)

    @property
    def pending(self) -> Path:
        """What was read but has not passed the gate yet."""
        return self.folder / "pending"

    @cached_property
    def sources(self) -> Sequence[Source]:
        """The declarations of the enabled sources."""
        return declaration.read(RAW_MODELS, self.settings.sources)

    def note(self) -> None:
        """Say in the run's folder which run and day it is of: retention goes by days, not by file times."""
        about = {
            "run_id": self.run_id,
            "as_of": self.day.as_of.isoformat(),
            "known_on": self.day.known_on.isoformat(),
        }
        lake.write_json(self.folder / "run.json", about)

    def claim(self) -> None:
        """Take the day for this run; raise DayHeld when a run that is still going on has it.

        Two runs of one day would write the same bytes, but the second could publish while the first one's
        gates still look. A claim left by a run that ended, or was killed, is taken over.
        """
        if self.is_running is None:
            return
        path = self.lake / "runs" / f"{self.day.key}.claim.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = json.dumps({"run_id": self.run_id})
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:
                file.write(mine)
        except FileExistsError:
            text = path.read_text()  # empty when its writer was killed between creating and writing
            holder = json.loads(text)["run_id"] if text else self.run_id
            if holder != self.run_id and self.is_running(holder):
                msg = (
                    f"{self.day.key} is held by run {holder}, which is still running; wait for it or stop it"
                )
                raise DayHeld(msg) from None
            with lake.replacing(path) as temporary:
                temporary.write_text(mine)


def current() -> Run:
    """The run of the Airflow task that calls this.

    `as_of` is the local day of the run's logical date; `known_on` its parameter, when given.
    Raises ValueError when the run has no logical date: without a day there is nothing to compute.
    """
    from airflow.sdk import get_current_context

    context = get_current_context()
    dag_run = context["dag_run"]
    if dag_run.logical_date is None:
        msg = f"run {dag_run.run_id} has no logical date; trigger it with the day to compute"
        raise ValueError(msg)
    settings = load()
    known_on = (context.get("params") or {}).get("known_on")
    day = _day(dag_run.logical_date, known_on, settings)
    if dag_run.dag_id != DAG_ID:
        return Run(settings, day, f"{dag_run.dag_id}__{dag_run.run_id}", None, context["ti"].try_number)
    return Run(settings, day, dag_run.run_id, _is_running, context["ti"].try_number)


def _day(logical_date: datetime, known_on: str | None, settings: Settings) -> Day:
    as_of = logical_date.astimezone(ZoneInfo(settings.time_zone)).date()
    return Day.of(as_of, datetime.fromisoformat(known_on).date() if known_on else None)


def is_going_on(run_id: str) -> bool:
    """Whether Airflow still runs what `Run.run_id` names, of whichever DAG; asked from within a task."""
    dag_id, is_other, rest = run_id.partition("__")
    known = is_other and dag_id not in ("scheduled", "manual", "backfill", "asset_triggered")
    return _is_running(rest, dag_id) if known else _is_running(run_id)


def _is_running(run_id: str, dag_id: str = DAG_ID) -> bool:
    """Whether Airflow still runs `run_id` of a DAG, the daily one by default; asked from within a task."""
    from airflow.sdk import get_current_context

    task_instance = get_current_context()["ti"]
    # A count, not a state: a run Airflow no longer knows (cleaned, another database) is not running.
    return task_instance.get_dr_count(dag_id, run_ids=[run_id], states=["running", "queued"]) > 0
