from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline import schedule
from pipeline.run import _day
from pipeline.settings import Schedule, Settings
from storage.lake import Day

NEW_YORK = Settings(
    time_zone="America/New_York",
    currency="USD",
    schedule=Schedule(cron="0 5 * * *", start=date(2017, 1, 2), end=date(2018, 1, 1)),
)


def test_the_run_of_a_day_is_due_at_the_crons_hour_local_time():
    due = schedule.logical_date(NEW_YORK, date(2018, 1, 1))
    assert due.isoformat() == "2018-01-01T05:00:00-05:00"


def test_the_day_of_a_run_is_the_local_day_of_its_logical_date():
    late = datetime(2018, 1, 2, 3, 0, tzinfo=ZoneInfo("UTC"))  # 22:00 on the 1st in New York
    assert _day(late, None, NEW_YORK).as_of == date(2018, 1, 1)
    assert _day(late, "2018-01-05", NEW_YORK).known_on == date(2018, 1, 5)


def test_a_day_known_later_has_an_instant_of_its_own_on_the_same_local_day():
    day, later = Day.of(date(2018, 1, 1)), Day.of(date(2018, 1, 1), date(2018, 1, 31))
    assert schedule.instant(NEW_YORK, day) == schedule.logical_date(NEW_YORK, date(2018, 1, 1))
    assert schedule.instant(NEW_YORK, later) != schedule.instant(NEW_YORK, day)
    assert _day(schedule.instant(NEW_YORK, later), "2018-01-31", NEW_YORK) == later


def test_known_on_cannot_lie_before_the_day():
    with pytest.raises(ValueError, match="lies before"):
        _day(datetime(2018, 1, 2, 12, tzinfo=ZoneInfo("UTC")), "2017-12-31", NEW_YORK)


def test_a_day_without_a_run_is_refused_and_the_next_one_named():
    weekly = Settings(time_zone="America/New_York", currency="USD", schedule=Schedule(cron="0 5 * * 1"))
    with pytest.raises(ValueError, match="next day is 2018-01-08"):
        schedule.logical_date(weekly, date(2018, 1, 2))


def test_the_last_day_of_the_settings_still_runs():
    start, end = schedule.bounds(NEW_YORK)
    assert start < schedule.logical_date(NEW_YORK, date(2017, 1, 2))
    assert end > schedule.logical_date(NEW_YORK, date(2018, 1, 1))
