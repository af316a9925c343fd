"""Why the tasks of a run failed, as the logs say that Airflow wrote on this machine.

A task log is one JSON object a line. The one that says "Task failed with exception" carries the exceptions,
the one that was raised last first: `error_detail: [{exc_type, exc_value, …}, …]`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import local_airflow

if TYPE_CHECKING:
    from pipeline.local_airflow import Server

_LINES = 15  # of an exception's text: enough for dbt's account of several models
_RAISED = "Task failed with exception"


@dataclass(frozen=True)
class Failure:
    """A task that failed on its last try; without `exception` when it ended before it could raise one."""

    task: str
    exception: str | None
    text: str
    log: Path

    def lines(self) -> list[str]:
        """What to tell whoever ran it."""
        if self.exception is None:
            return [f"{self.task}: ended without an exception, as if it had been killed; see {self.log}"]
        said = self.text.strip().splitlines()
        lines = [f"{self.task}: {self.exception}: {said[0] if said else ''}".rstrip(": "), *said[1:_LINES]]
        if len(said) > _LINES:
            lines.append(f"… {len(said) - _LINES} more lines in {self.log}")
        return lines


def logs(dag_id: str, run_id: str) -> Path:
    """The folder of a run's task logs."""
    return local_airflow.HOME / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}"


def of(server: Server, dag_id: str, run_id: str) -> list[Failure]:
    """The tasks of the run that failed, in the order they ended; asks Airflow, so before it is stopped.

    A task whose own work did not fail, but that of one before it, is not among them.
    """
    tasks = server.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=200")["task_instances"]
    failed = [task for task in tasks if task["state"] == "failed"]
    return [
        _failure(task, logs(dag_id, run_id))
        for task in sorted(failed, key=lambda each: each["end_date"] or "~")
    ]


def _failure(task: dict[str, Any], folder: Path) -> Failure:
    name, log = task["task_id"], folder / f"task_id={task['task_id']}"
    if task["map_index"] >= 0:
        name, log = f"{name}[{task['map_index']}]", log / f"map_index={task['map_index']}"
    log /= f"attempt={task['try_number']}.log"
    raised = _raised(log)
    return Failure(name, raised.get("exc_type"), str(raised.get("exc_value", "")), log)


def _raised(log: Path) -> dict[str, Any]:
    """What ended the try, as the log has it; empty when nothing was raised or there is no log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    for line in reversed(text.split("\n")):
        try:
            record = json.loads(line)
        except ValueError:  # cut short with the process
            continue
        if record.get("event") == _RAISED and record.get("error_detail"):
            return record["error_detail"][0]
    return {}
