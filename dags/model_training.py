"""# Model training, monthly · 每月模型训练

**What.** Fits the cut-points of a month (score cuts, time to second order, gap laws, value limits) on the
features of its first day, and saves them as a frozen, versioned artifact with a card; likewise the sentiment of
free text, learned from the feedback rated before that day, the laws of customer value, and the churn model,
trained and judged on past days. Daily runs of the month read them and never fit on the rows they score.
每月一日拟合切点、文本情感、客户价值与流失模型，当月的每日任务只读取、不拟合。

**When.** On the first of the month, before the daily run. If it did not run, the daily run makes the same
artifact with the same function; the result does not depend on who came first.

**On failure.** The month has no artifact yet; nothing is published from it. Read the log, clear the task.
Too little data is no failure: the card says `insufficient` (or `weak_labels`), and the schemes fall back as
documented. Where `evaluate_churn` says that the run asked something else before, delete the run and trigger its
day again: Airflow would show the approver the first question.

**Promotion.** `evaluate` compares with the month before and reports; a cut-point set made by hand is added
for a later month, never edited into a past one. `evaluate_churn` promotes a churn model that clears its gates.
Where a gate is close, the model is on hold or the champion ranks better, `approve_churn` waits under *Required
Actions*: **Approve** puts the new model in force; **Reject**, or no answer within `approval.response_hours`,
keeps the model of the month before, which is in force meanwhile. 需人工审批时，在 Required Actions 中批准或驳回。
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import DAG, TriggerRule, chain, get_current_context, task

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


def do(step: str, name: str = "", **how):
    return take.override(task_id=name or step, **how)(step)


@task.branch
def evaluate_churn():
    found = steps.take(run.current(), "evaluate_churn")
    get_current_context()["ti"].xcom_push("told", found["told"])
    return found["next"]


with DAG(
    "model_training",
    description="Cut-points and models of the month · 每月切点与模型",
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
        do("fit_churn"),
    ]
    approve = HITLBranchOperator(
        task_id="approve_churn",
        subject="Churn model of {{ ds }}: approve? · 是否启用本月流失模型？",
        body="{{ ti.xcom_pull(task_ids='evaluate_churn', key='told') }}",
        options=["Approve", "Reject"],
        options_mapping={"Approve": "promote_churn", "Reject": "keep_champion"},
        defaults="Reject",
        response_timeout=timedelta(hours=settings.approval.response_hours),
    )
    evaluate = evaluate_churn()
    promote = do("promote_churn", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)

    chain(*ingest, *model, evaluate, approve, [promote, do("keep_champion")])
    chain(evaluate, promote)
