"""# Maintenance, weekly · 每周维护

**What.** `retain` lets go what was sent (landing, quarantine) and what old runs left behind when the days of
`retention` in `segmentation.yml` are over, counted back from the run's day or the newest published one,
whichever is earlier. `erase` does nothing unless the run was asked to erase a person. 按设置的天数清理落地文件、隔离区与旧运行目录；可按参数彻底删除一位客户。

**When.** Every week at `schedule.maintenance_cron`. It waits for the step of a day that is at work, and steps
wait for it; nothing needs to be paused.

**Erase a person.** Trigger it with `source` and `customer` (the id the source knows them by), `phone` or
`email`; `linked` takes the customers of other sources with the same phone or e-mail along. The run's day is
the last day of delivery that may not bring the person back: trigger it for today. Airflow keeps what is typed
here in its database until `airflow db clean`; `python -m pipeline erase` leaves no such trace.

**What is left of it.** `lake/erasures/<n>.json`: counts, files and the proof, with a keyed hash for the id.
A day that was being built stops with *clear build_features and after*: do that.
Published versions change: their manifest says `erasures`. 删除是“同日同字节”的有记录例外。

**On failure.** *The person is still in …*: a file that has not been read yet, or something that is not the
pipeline's. Run the day that reads it, or remove it, then clear `erase`. Anything else is retried; both tasks
can be killed and run again at any point.
"""

from airflow.sdk import DAG, Param, get_current_context, task

import alerts
from days import DaysTimetable
from pipeline import maintenance, run, schedule
from pipeline.retries import DEFAULTS
from pipeline.settings import load

settings = load()
first, last = schedule.bounds(settings)


@task
def take(step: str):
    return maintenance.take(run.current(), step, dict(get_current_context()["params"]))


def asked(title: str, description: str):
    return Param(None, title=title, type=["null", "string"], description=description)


with DAG(
    maintenance.DAG_ID,
    description="Retention, and the erasure of one person · 数据保留与删除",
    schedule=DaysTimetable(
        settings.schedule.maintenance_cron, timezone=settings.time_zone, first=first, last=last
    ),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=alerts.on_failure,
    params={
        "source": asked("Source · 数据源", "The source whose customer is to be erased; empty: nobody is."),
        "customer": asked("Customer · 客户编号", "The id the source knows the person by."),
        "phone": asked("Phone · 电话", "Instead of the id, where the source sends phone numbers."),
        "email": asked("E-mail · 邮箱", "Instead of the id, where the source sends addresses."),
        "linked": Param(
            False,
            title="Linked · 关联客户",
            type="boolean",
            description="Also customers of other sources with the same phone or e-mail.",
        ),
    },
    doc_md=__doc__,
    tags=["segmentation", "weekly"],
) as dag:
    take.override(task_id="retain")("retain") >> take.override(task_id="erase")("erase")
