"""# Customer segmentation, daily · 客户细分（每日）

**What.** Takes the extracts delivered by the run's day through landing, features and scores to the segment
tables BI reads. The logical date is `as_of`: the run of day D sees what had happened before D 00:00 in the
settings' time zone and had been delivered by D. 把当天及以前送达的数据变成 BI 可信的客户细分表。

**When.** Every day at the cron of `segmentation.yml`, between its `start` and `end`.

| group | what can go red | what it means | what to do |
|---|---|---|---|
| `ingest` | `check_landed` | an extract that was due is missing, cut off or mostly unreadable | have it sent again, put it into the drop folder, clear the task `land` with everything after it |
| `build` | `check_features` | the features break a promise (a sum does not reconcile, a date lies ahead) | read the promise in the log or under *Segments*; mend the data or the model; clear `build_features` and after |
| `score` | a family of schemes | a fault, not the data | it has been retried; read the log, which names the scheme, clear it |
| `models` | `ensure_models`, `score_models` | a fault, not the data: too little data is a status, never an error | it has been retried; read the log, clear it |
| `publish` | `compare` | a score file is not of the day's customers, or a fault | clear the scheme's family named in the log, with what follows |
| `publish` | `audit` | the tables break what BI was promised | **BI keeps yesterday.** Read the promise and the failing keys under *Segments*; clear `build_marts` and after |

Wrong data fails at once, everything else is retried. Until `audit` is green nothing BI sees has changed.
审核通过之前，BI 看到的内容不会有任何变化。

**Run a day again.** Clear its run, or trigger one with that logical date: the same input gives the same
bytes. The day is the *local* day of the logical date; the UI shows instants in the zone of its menu, so take
the schedule's hour, not midnight UTC. `land` logs the day it took. **A range:** *Backfill* in the UI, or `airflow backfill create --dag-id customer_segmentation
--from-date … --to-date …`; any order, an older day never moves what BI sees. **A past day with what came
later:** trigger it with `known_on`, a minute beside the day's own run (an instant holds one run), or
`make run DAY=… KNOWN_ON=…`. **Back to an older day:** `make rollback`, until `make unpin`.
"""

from airflow.sdk import DAG, Param, TaskGroup, chain, task

import alerts
from days import DaysTimetable
from models.schemes import FAMILIES
from pipeline import run, schedule, steps
from pipeline.retries import DEFAULTS
from pipeline.settings import load

settings = load()
first, last = schedule.bounds(settings)


@task
def take(step: str):
    return steps.take(run.current(), step)


def do(step: str, name: str = ""):
    return take.override(task_id=name or step)(step)


with DAG(
    "customer_segmentation",
    description="Extracts to audited segment tables, one day · 每日客户细分",
    schedule=DaysTimetable(settings.schedule.cron, timezone=settings.time_zone, first=first, last=last),
    catchup=settings.schedule.catchup,
    max_active_runs=2,
    default_args=DEFAULTS,
    on_failure_callback=alerts.on_failure,
    params={
        "known_on": Param(
            None,
            title="Known on · 截至送达日",
            type=["null", "string"],
            format="date",
            description="State a past day with what was delivered by then; empty: as known on the day itself.",
        )
    },
    doc_md=__doc__,
    tags=["segmentation", "daily"],
) as dag:
    with TaskGroup("ingest") as ingest:
        chain(do("land"), do("check_landed"), do("load_raw"))
    with TaskGroup("build") as build:
        chain(do("read_feedback"), do("build_features"), do("check_features"), do("ensure_cutpoints"))
    # beside the schemes: a month's models take longer to fit than all of them to score
    with TaskGroup("models") as models:
        chain(do("ensure_models"), do("score_models"))
    with TaskGroup("score") as score:
        for family in FAMILIES:
            do(f"score:{family}", name=family)
    with TaskGroup("publish"):
        compare, marts = do("compare"), do("build_marts")
        chain(compare, marts, do("audit"), do("publish"))

    chain(ingest, build, score, compare)
    chain(build, models, marts)
