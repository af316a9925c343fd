"""The days Airflow starts runs for by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable


class DaysTimetable(CronTriggerTimetable):
    """A cron's instants from `first` to `last` (both included; no `last`: for ever).

    A DAG's own start and end dates will not do: Airflow shows a run triggered for a day outside of them as a
    success without having run a single task. Here such a run takes its tasks, and its gates say what is
    missing.
    """

    def __init__(self, cron: str, *, timezone: Any, first: datetime, last: datetime | None) -> None:
        super().__init__(cron, timezone=timezone)
        self._first = first
        self._last = last

    def serialize(self) -> dict[str, Any]:
        """The timetable as Airflow keeps it in its database."""
        return super().serialize() | {
            "first": self._first.isoformat(),
            "last": self._last.isoformat() if self._last else None,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> DaysTimetable:
        """The timetable back from what `serialize` gave."""
        plain = CronTriggerTimetable.deserialize(data)
        return cls(
            data["expression"],
            timezone=plain._timezone,
            first=datetime.fromisoformat(data["first"]),
            last=datetime.fromisoformat(data["last"]) if data["last"] else None,
        )

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next run after the last one, within these days and Airflow's own restriction; None for none."""
        last = pendulum.instance(self._last) if self._last else None
        earliest = max(filter(None, (restriction.earliest, pendulum.instance(self._first))))
        latest = min(filter(None, (restriction.latest, last)), default=None)
        return super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval,
            restriction=restriction._replace(earliest=earliest, latest=latest),
        )
