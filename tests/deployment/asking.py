"""A small shop whose churn model is on hold, and the question its training asks a person about it.

A calibration error of 0 is wanted of the model, so that it ranks well and is on hold. Answers go through the
REST API as the logged-in user, as the UI's Required Actions page sends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from native_cluster import path_of
from shop import write_shop

from models.churn import training
from models.churn.probability import ChurnModel
from pipeline import churn, settings
from pipeline.run import Run
from storage import artifacts, lake
from storage.lake import Day

TRAINING = "model_training"
FIRST, BEFORE, MONTH = date(2017, 3, 6), Day.of(date(2017, 11, 1)), Day.of(date(2017, 12, 1))
ASKED = "taskInstances/approve_churn/-1/hitlDetails"
SECONDS = 600  # a limit, not a target
SETTINGS = """sources: [complete_journey]
time_zone: America/New_York
currency: USD
schedule: {{start: {first}, end: {day}}}
resources: {{min_free_gib: 0.1}}
what_if: never
approval: {{response_hours: {hours}}}
thresholds:
  churn: {{horizon_days: 30, min_each: 10, max_ap_loss: 1, confidence: 0.5, max_base_shift: 1, max_ece: 0}}
"""


@dataclass(frozen=True)
class Answered:
    """One question, asked and answered: which models were in force meanwhile and after, and how it ended."""

    asked: dict
    waiting: str
    answer: dict
    after: str
    state: str
    tasks: dict[str, str]


class Shop:
    """A folder with settings, extracts and, in time, a lake; the test reads it beside the cluster."""

    def __init__(self, folder, day):
        self.settings_file = folder / "segmentation.yml"
        self.lake = folder / "lake"
        self._day, self._run_id = day, ""
        self.set_response_hours(72)
        write_shop(folder / "extracts", FIRST, day, customers=300)

    def set_response_hours(self, hours):
        """Every task that starts from now on reads it."""
        text = SETTINGS.format(first=FIRST, day=self._day, hours=hours)
        self.settings_file.write_text(text, encoding="utf-8")

    def train(self, cluster):
        """Trigger the training; while it stands still before its gates, put a champion in place."""
        run = cluster.trigger(TRAINING, SECONDS, logical_date=f"{MONTH.as_of}T05:00:00-05:00")
        cluster.wait(run, SECONDS, fit_churn="running")
        cluster.pause(TRAINING, paused=True)
        cluster.wait(run, SECONDS, fit_churn="success")
        self._run_id = f"{TRAINING}__{run['dag_run_id']}"
        self.crown()
        cluster.pause(TRAINING, paused=False)
        return run

    @cached_property
    def run(self):
        """The run as the training's tasks know it."""
        return Run(settings.load(self.settings_file), MONTH, self._run_id, None)

    @property
    def models(self):
        """Where the churn models lie."""
        return churn.kind(self.run)

    def crown(self):
        """The model of the month before, learned from the same past days, as if approved then."""
        run = self.run
        rows = churn.training_rows(run.folder / "fit")
        customers = lake.Columns(run.folder / "fit" / "features" / "customer_features.parquet")
        first = customers["first_order_on"].dropna().min().date()
        thresholds = run.settings.thresholds.churn
        made = training.train(
            lambda day: lake.DayColumns(rows, day), BEFORE.as_of, first, "as_then", thresholds
        )
        made = made.with_decision("publish", "approved")
        artifacts.save(run.lake, self.models, BEFORE.as_of, made.to_json(), made.card())

    def in_force(self, day=MONTH):
        """Version of the churn model in force on a day."""
        return artifacts.in_force(self.run.lake, self.models, day)[0]

    def model(self, version):
        return ChurnModel.from_json(artifacts.load(self.run.lake, self.models, version))

    def ask_again(self, cluster, run):
        """Clear the run from its gates on."""
        what = {"dag_run_id": run["dag_run_id"], "task_ids": ["evaluate_churn"], "include_downstream": True}
        how = {"dry_run": False, "only_failed": False, "reset_dag_runs": True}
        cluster.call("POST", f"/api/v2/dags/{TRAINING}/clearTaskInstances", what | how)

    def answered(self, cluster, run, option):
        """Wait for the question, answer it or let the time run out, and follow the run to its end."""
        cluster.wait(run, SECONDS, approve_churn="awaiting_input")
        asked, waiting = cluster.call("GET", f"{path_of(run)}/{ASKED}"), self.in_force()
        if option:
            chosen = {"chosen_options": [option], "params_input": {}}
            cluster.call("PATCH", f"{path_of(run)}/{ASKED}", chosen)
        state = cluster.wait(run, SECONDS)["state"]
        answer = cluster.call("GET", f"{path_of(run)}/{ASKED}")
        return Answered(asked, waiting, answer, self.in_force(), state, cluster.states(run))
