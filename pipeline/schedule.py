"""From the days of the settings to the instants of Airflow."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipeline.settings import Settings
from storage.lake import Day


def bounds(settings: Settings) -> tuple[datetime, datetime | None]:
    """First and last instant runs may have: the start of the first day, the end of the last, local time."""
    zone = ZoneInfo(settings.time_zone)
    end = settings.schedule.end
    return (
        datetime.combine(settings.schedule.start, time.min, zone),
        datetime.combine(end, time(23, 59, 59), zone) if end else None,
    )


def instant(settings: Settings, day: Day) -> datetime:
    """The logical date `make run` gives a day: its schedule's, a minute later for each day it is known later.

    Airflow holds one run an instant, and a day known later is another run than the day itself.
    """
    return logical_date(settings, day.as_of) + timedelta(minutes=(day.known_on - day.as_of).days)


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
