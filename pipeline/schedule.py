"""From the days of the settings to the instants of Airflow."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from pipeline.settings import Settings


def bounds(settings: Settings) -> tuple[datetime, datetime | None]:
    """First and last instant runs may have: the start of the first day, the end of the last, local time."""
    zone = ZoneInfo(settings.time_zone)
    end = settings.schedule.end
    return (
        datetime.combine(settings.schedule.start, time.min, zone),
        datetime.combine(end, time(23, 59, 59), zone) if end else None,
    )


def logical_date(settings: Settings, day: date) -> datetime:
    """The instant at which the daily run of `day` is due: the cron's first on that local day.

    Raises ValueError when the cron does not fire on that day.
    """
    from croniter import croniter

    zone = ZoneInfo(settings.time_zone)
    midnight = datetime.combine(day, time.min, zone)
    if croniter.match(settings.schedule.cron, midnight):
        return midnight
    due = croniter(settings.schedule.cron, midnight).get_next(datetime)
    if due.date() != day:
        msg = f"the schedule {settings.schedule.cron!r} does not run on {day}; its next day is {due.date()}"
        raise ValueError(msg)
    return due
