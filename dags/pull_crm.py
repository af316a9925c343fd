"""# CRM pulls, daily · 拉取 CRM 数据（每日）

**What.** Asks each enabled CRM (`zoho_crm`, `fxiaoke`) for the records modified since the last pull and leaves
one file per extract in the drop folder, where the daily run lands it like any other delivery. There is this DAG
only while such a source is enabled. 从 CRM 取回上次之后变化的记录，按交付文件放入投递目录。

**When.** Every night at 00:15 in the settings' time zone, before the daily run. The window of day D ends at D 00:00,
so the run of D sees the CRM as it was when D began. A night that was missed leaves no gap: the next window
begins where the last one ended.

| what the log says | what it means | what to do |
|---|---|---|
| `ConnectionIncomplete` | the Airflow connection (`zoho_crm_default`, `fxiaoke_default`) is not there or lacks the named field | add it under *Admin > Connections*, clear the task |
| `AccessRefused` | credentials, scope or permission are not enough, or the calls of the day are used up | mend it at the vendor's (`docs/sources/`), clear the task |
| `FieldMissing`, `ModuleUnknown` | a declared field or module was renamed, removed or hidden | mend the declaration or the permission, clear the task |
| `ServerFault`, `RateLimited` | the vendor is down or asked too often | it is retried; clear the task later |

A killed or failed pull goes on at the page it was at. No file appears before its last page has come, so the daily
run's gate names the extract that is missing. 中断后从原来那一页继续。

**Run a day again.** Clearing does nothing for extracts that are done: a CRM only knows the newest state of a record,
so an old window would come back smaller. To fetch a day anew all the same (a field was added, files were lost) trigger
it with `since`: everything modified from then to the day's beginning is delivered again.
"""

from airflow.sdk import DAG, Param, task

import alerts
from days import DaysTimetable
from pipeline import pulling, run, schedule
from pipeline.retries import DEFAULTS
from pipeline.settings import load

settings = load()
first, last = schedule.bounds(settings)


@task
def pull(source: str, params=None):
    return pulling.take(run.current(), source, params["since"])


# An empty DAG would be a green nothing in the list of every shop without a CRM.
if pulling.sources(settings):
    with DAG(
        "pull_crm",
        description="Changed CRM records to extract files · 拉取 CRM",
        schedule=DaysTimetable("15 0 * * *", timezone=settings.time_zone, first=first, last=last),
        catchup=settings.schedule.catchup,
        max_active_runs=1,
        default_args=DEFAULTS,
        on_failure_callback=alerts.on_failure,
        params={
            "since": Param(
                None,
                title="Since · 起始时间",
                type=["null", "string"],
                description="Pull again what was modified from this date on; empty: since the last pull.",
            )
        },
        doc_md=__doc__,
        tags=["segmentation", "daily"],
    ) as dag:
        for source in pulling.sources(settings):
            pull.override(task_id=source)(source)
