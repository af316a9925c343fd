"""The step before landing, for sources that are asked rather than waited for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pulls

if TYPE_CHECKING:
    from pipeline.run import Run
    from pipeline.settings import Settings
    from pulls.pulling import Order, Vendor
    from storage.declaration import Extract


ACCOUNT = "pulls"
"""The extract every pulled source declares: what was pulled, written when all of it was."""


class IncomingNotAFolder(ValueError):
    """Pulls write into the folder the extracts are dropped in; the settings name a bucket."""


def sources(settings: Settings) -> tuple[str, ...]:
    """The enabled sources that are pulled."""
    return tuple(source for source in settings.sources if source in pulls.SOURCES)


def take(run: Run, source: str, since: str | None = None, vendor: Vendor | None = None) -> dict[str, int]:
    """Pull every extract of a source for the run's day; return the lines of each.

    An extract nothing of which changed has no file that day. That the pull is done is said by its account,
    the extract `pulls`: the daily run's gate misses that one where a pull has failed.

    The window ends where the day begins, so the daily run of the day sees its customers as they were then.
    Extracts are pulled one after the other: both vendors count calls, and one of them allows no two at once.
    With `since` (an ISO date or instant) a day is pulled again from there.

    Raises a ConnectionError for what may pass, a ValueError for what will not.
    """
    from pulls.pulling import pull, write_account

    vendor = vendor or pulls.connected(source)
    moment = _moment(since, run.settings) if since else None
    (declared,) = [known for known in run.sources if known.name == source]
    extracts = {extract.name: extract for extract in declared.extracts}
    account = extracts.pop(ACCOUNT)
    orders = {name: _order(run, extract) for name, extract in extracts.items()}
    lines = {name: pull(vendor, order, since=moment).lines for name, order in orders.items()}
    write_account(_target(run, account), {name: order.record for name, order in orders.items()})
    return lines


def _target(run: Run, extract: Extract) -> Path:
    folder = run.settings.incoming_folder
    if folder is None:
        msg = f"source {extract.source} is pulled into a folder; incoming is {run.settings.incoming}"
        raise IncomingNotAFolder(msg)
    return folder / extract.source / extract.path.format(delivered_on=run.day.as_of)


def _order(run: Run, extract: Extract) -> Order:
    from pulls.pulling import Order

    day = run.day.as_of
    return Order(
        extract=extract.name,
        columns=extract.sent_names,
        target=_target(run, extract),
        delivered_on=day,
        until=_midnight(day, run.settings).astimezone(UTC),
        records=run.lake / "pulls" / extract.source / extract.name,
    )


def _midnight(day: date, settings: Settings) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(settings.time_zone))


def _moment(since: str, settings: Settings) -> datetime:
    moment = datetime.fromisoformat(since)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.time_zone))
