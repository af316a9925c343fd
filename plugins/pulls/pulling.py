"""A pull: every page of an extract's window, kept as it comes, then written as one file.

Grain of the file: one line per record modified in the window, JSON, in the order (modified time, id), gzip
without a time stamp: the same records give the same bytes however the vendor cut them into pages.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import json
import logging
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from storage import lake

log = logging.getLogger(__name__)

OVERLAP = timedelta(hours=1)
"""How far a window reaches back over the last one: a vendor's clocks and indexes lag. What is sent twice is
told apart by key and load column."""

PRIVATE = 0o600  # what was sent is personal, and landing keeps it
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_FAN_IN = 200  # files open at once while pages are merged

Scalar = str | int | bool | Decimal | None
Cursor = Mapping[str, Any]
"""Where the next page begins, in the vendor's words; plain JSON."""


@dataclass(frozen=True)
class Window:
    """Modified times from `since` (None: from the beginning) to `until`, which is not included; both UTC."""

    since: datetime | None
    until: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether something modified at `moment` belongs to this window."""
        return (self.since is None or self.since <= moment) and moment < self.until


class Line(NamedTuple):
    """One record: when it was modified, its id, and its columns' values."""

    modified_at: datetime
    id: str
    values: Mapping[str, Scalar]


class Page(NamedTuple):
    """Some records, and where the next page begins; None after the last one."""

    lines: Sequence[Line]
    next: Cursor | None


class Vendor(Protocol):
    """What a pull needs of a vendor's API."""

    def check(self, extract: str, columns: Sequence[str]) -> None:
        """Raise ModuleUnknown or FieldMissing when the vendor lacks the extract or a column of it."""

    def page(self, extract: str, columns: Sequence[str], window: Window, cursor: Cursor | None) -> Page:
        """The page that begins at `cursor` (None: the first one)."""


@dataclass(frozen=True)
class Pulled:
    """What one pull of an extract brought: `lines` of the file, and whether it had been pulled before."""

    extract: str
    lines: int
    before: bool = False


@dataclass(frozen=True)
class Order:
    """What is to be pulled: the columns of an extract, the file they go into and the day it is delivered on.

    `records` is the folder of the extract's records of earlier pulls, one file per day: the next window
    begins where the last one ended, so a day on which nothing could be pulled leaves no gap.
    """

    extract: str
    columns: Sequence[str]
    target: Path
    delivered_on: date
    until: datetime
    records: Path

    @property
    def record(self) -> Path:
        """The record of this day's pull; it is there when the pull is done."""
        return self.records / f"{self.delivered_on.isoformat()}.json"

    def window(self, since: datetime | None = None) -> Window:
        """From `since`, or the end of the last earlier window less the overlap, to this day's boundary."""
        if since is None:
            earlier = [path for path in self.records.glob("*.json") if path.stem < self.record.stem]
            if earlier:
                ended = json.loads(max(earlier).read_text(encoding="utf-8"))["until"]
                since = datetime.fromisoformat(ended) - OVERLAP
        return Window(since.astimezone(UTC) if since else None, self.until.astimezone(UTC))


def pull(vendor: Vendor, order: Order, *, since: datetime | None = None) -> Pulled:
    """Pull one extract of one day; go on where a killed pull of the same window stopped.

    A day that was pulled is not pulled again: the vendor keeps only the newest state of a record, so a second
    answer for an old window would lack what has changed since. `since` pulls it again, from that moment.

    Raises ServerFault (later it may work) or a ValueError of `pulls.web` (it will not).
    """
    if order.record.exists() and since is None:
        before = json.loads(order.record.read_text(encoding="utf-8"))["lines"]
        return Pulled(order.extract, before, before=True)
    window = order.window(since)
    vendor.check(order.extract, order.columns)
    pages = Pages(order.records / "work" / _name(order, window))
    while not pages.complete:
        page = vendor.page(order.extract, order.columns, window, pages.cursor)
        pages.keep(page, order.columns)
    lines = pages.write(order.target)
    lake.write_json(
        order.record,
        {
            "since": window.since.isoformat() if window.since else None,
            "until": window.until.isoformat(),
            "lines": lines,
            "file": order.target.name if lines else None,
        },
    )
    for folder in pages.folder.parent.glob(f"{order.delivered_on.isoformat()}_*"):
        shutil.rmtree(folder)  # also what a pull of another window left: it holds what was sent
    log.info("pulled %s: %d records for %s", order.extract, lines, order.delivered_on)
    return Pulled(order.extract, lines)


def write_account(target: Path, records: Mapping[str, Path]) -> None:
    """Say what was pulled, one line per extract. Written last: where it is, the pull is done."""
    lines = []
    for extract, record in sorted(records.items()):
        told = json.loads(record.read_text(encoding="utf-8"))
        lines.append(json.dumps({"extract": extract, **told}, ensure_ascii=False, sort_keys=True) + "\n")
    _write_lines(target, lines)


def _name(order: Order, window: Window) -> str:
    """The work folder of one question; another window or other columns are another question."""
    asked = [list(order.columns), str(window.since), str(window.until)]
    return f"{order.delivered_on.isoformat()}_{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]}"


class Pages:
    """The pages of one pull that have come, one file each, put in place in one step.

    A page's file also says where the next page begins, so there is no moment at which the two disagree: a
    killed pull asks for the page after the last one it has.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last: Path | None = max(self._files(), default=None)
        self._next: Cursor | None = None
        if self._last:
            with gzip.open(self._last, "rt", encoding="utf-8") as file:
                self._next = json.loads(next(file))

    @property
    def complete(self) -> bool:
        """Whether the last page has come."""
        return self._last is not None and self._next is None

    @property
    def cursor(self) -> Cursor | None:
        """Where the next page begins; None for the first one."""
        return self._next

    def keep(self, page: Page, columns: Sequence[str]) -> None:
        """Put a page beside those that have come, its lines in order."""
        number = int(self._last.name.partition(".")[0]) + 1 if self._last else 1
        path = self.folder / f"{number:06d}.jsonl.gz"
        lines = (
            f"{line.modified_at.astimezone(UTC).isoformat(timespec='microseconds')}\t{line.id}\t"
            f"{as_json(line.values, columns)}\n"
            for line in page.lines
        )
        _write_lines(path, [json.dumps(page.next) + "\n", *sorted(lines)])
        self._last, self._next = path, page.next

    def write(self, target: Path) -> int:
        """Merge the pages into `target`, without the second copy of what two pages hold; return the lines.

        No lines are no file: an empty one is how a broken delivery looks.
        """
        parts = [_Part(path, header=1) for path in self._files()]
        while len(parts) > _FAN_IN:
            wider = []
            for at in range(0, len(parts), _FAN_IN):
                path = self.folder / f"merged.{len(parts)}.{at}.gz"
                _write_lines(path, _merged(parts[at : at + _FAN_IN]))
                wider.append(_Part(path, header=0))
            parts = wider
        merged = _merged(parts)
        first = next(merged, None)
        if first is None:
            return 0
        return _write_lines(target, (line.split("\t", 2)[2] for line in chain([first], merged)))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.jsonl.gz"))


class _Part(NamedTuple):
    path: Path
    header: int


def _merged(parts: Sequence[_Part]) -> Iterator[str]:
    """The lines of several files, each in order, in one order; equal lines once."""
    with ExitStack() as stack:
        files = []
        for part in parts:
            file = stack.enter_context(gzip.open(part.path, "rt", encoding="utf-8", newline="\n"))
            for _ in range(part.header):
                next(file)
            files.append(file)
        last = None
        for line in heapq.merge(*files):
            if line != last:
                yield line
            last = line


def _write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines as gzip whose bytes depend on them alone, in one step; return their number."""
    count = 0
    with lake.replacing(path) as temporary:
        temporary.touch(mode=PRIVATE)
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as file,
        ):
            for line in lines:
                file.write(line.encode("utf-8"))
                count += 1
    return count


def as_json(values: Mapping[str, Scalar], columns: Sequence[str]) -> str:
    """A record as a line of JSON: columns in the order declared, numbers digit by digit as they came."""
    return "{" + ",".join(f"{json.dumps(name)}:{_scalar(values.get(name))}" for name in columns) + "}"


def _scalar(value: Scalar) -> str:
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def flat(value: Any) -> Scalar:
    """A vendor's value as a scalar: a reference to a record is its id, anything else nested is JSON text.

    An instant with an offset is told in UTC: a column of instants has one zone, and SQL engines read an
    offset over without a word.

    The name beside the id is left behind: it is often a person's, and the record it belongs to has it.
    """
    if isinstance(value, Mapping) and "id" in value:
        return flat(value["id"])
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
        except ValueError:  # looks like an instant and is none: the loader says so
            return value
    return value
