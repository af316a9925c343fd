"""# Model training, monthly · 每月模型训练

**What.** Fits the cut-points of a month (score cuts, time to second order, gap laws, value limits) on the
features of its first day, and saves them as a frozen, versioned artifact with a card; likewise the sentiment of
free text, learned from the feedback rated before that day, and the laws of customer value. Daily runs of the month
read them and never fit on the rows they score. 每月一日拟合评分切点、文本情感模型与客户价值模型，当月的每日任务只读取、不拟合。

**When.** On the first of the month, before the daily run. If it did not run, the daily run makes the same
artifact with the same function; the result does not depend on who came first.

**On failure.** The month has no artifact yet; nothing is published from it. Read the log, clear the task.
Too little data is no failure: the card says `insufficient` (or `weak_labels`), and the schemes fall back as
documented.

**Promotion.** `evaluate` compares with the month before and reports; a cut-point set made by hand is added
for a later month, never edited into a past one.
"""

from airflow.sdk import DAG, chain, task

import alerts
from days import DaysTimetable
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
    "model_training",
    description="Cut-points and text model of the month · 每月切点与文本模型",
    schedule=DaysTimetable(
        settings.schedule.training_cron, timezone=settings.time_zone, first=first, last=last
    ),
    catchup=settings.schedule.catchup,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=alerts.on_failure,
    doc_md=__doc__,
    tags=["segmentation", "monthly"],
) as dag:
    ingest = [do("land"), do("check_landed"), do("load_raw")]
    model = [
        do("fit_sentiment"),
        do("fit_cutpoints", name="fit"),
        do("evaluate_cutpoints", name="evaluate"),
        do("promote_cutpoints", name="promote"),
        do("fit_value"),
    ]
    chain(*ingest, *model)
