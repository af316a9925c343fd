"""The step before landing, for sources that are asked rather than waited for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pulls

if TYPE_CHECKING:
    from pipeline.run import Run
    from pipeline.settings import Settings
    from pulls.pulling import Vendor
    from storage.declaration import Extract


def sources(settings: Settings) -> tuple[str, ...]:
    """The enabled sources that are pulled."""
    return tuple(source for source in settings.sources if source in pulls.SOURCES)


def take(run: Run, source: str, since: str | None = None, vendor: Vendor | None = None) -> dict[str, int]:
    """Pull every extract of a source for the run's day; return the lines of each.

    The window ends where the day begins, so the daily run of the day sees its customers as they were then.
    Extracts are pulled one after the other: both vendors count calls, and one of them allows no two at once.
    With `since` (an ISO date or instant) a day is pulled again from there.

    Raises a ConnectionError for what may pass, a ValueError for what will not.
    """
    from pulls.pulling import pull

    vendor = vendor or pulls.connected(source)
    moment = _moment(since, run.settings) if since else None
    (declared,) = [known for known in run.sources if known.name == source]
    return {
        extract.name: pull(vendor, _order(run, extract), since=moment).lines for extract in declared.extracts
    }


def _order(run: Run, extract: Extract):
    from pulls.pulling import Order

    day = run.day.as_of
    return Order(
        extract=extract.name,
        columns=extract.column_names,
        target=run.settings.incoming / extract.source / extract.path.format(delivered_on=day),
        delivered_on=day,
        until=_midnight(day, run.settings).astimezone(UTC),
        records=run.lake / "pulls" / extract.source / extract.name,
    )


def _midnight(day: date, settings: Settings) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(settings.time_zone))


def _moment(since: str, settings: Settings) -> datetime:
    moment = datetime.fromisoformat(since)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.time_zone))
