"""Quarantine for operators: what is held, and letting records go after they were put right.

A record is released as a delivery of its own, of the day of the release: what a past day saw stays as it was.
The released file is UTF-8 in the extract's own layout; records of workbooks are released as JSON lines, those
of Parquet as Parquet. Whatever is still wrong with a record quarantines it again, under the new file; from
there, not from the first one, it is released the next time.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from storage import receipts
from storage.placing import Placing
from storage.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from storage.declaration import Extract, Source

# Bytes; the header is looked for in so many.
_LONGEST_HEADER = 1 << 16

# What a released file is, by the format of its extract.
_RELEASED_AS = {
    "csv": ("csv", ".csv"),
    "jsonl": ("jsonl", ".jsonl"),
    "fixed_width": ("fixed_width", ".txt"),
    "excel": ("jsonl", ".jsonl"),
    "parquet": ("parquet", ".parquet"),
}


class NothingHeld(LookupError):
    """No record of that file is in quarantine; the message says what is."""


class StillWrong(ValueError):
    """What is to be released would be held again; the message says how much of it and names the columns."""


class AlreadyReleased(ValueError):
    """Records would be delivered a second time; the message names the file and day of the first."""


class WholesOnly(ValueError):
    """A few records released by themselves would replace everything delivered beside them."""


class ReleaseTooEarly(ValueError):
    """A release would change what a published day saw."""


@dataclass(frozen=True)
class Held:
    """What is open of one file for one reason (grain: source, extract, delivered_on, file, content, reason).

    `records` is how many, `first` the numbers of the first ten, `details` what is wrong with them: columns,
    never a value. Of a file set aside whole (`whole`) the details are those of its records. Where retention
    has emptied the quarantine (`kept` is false), the reasons are in one, with no numbers and no details.
    """

    source: str
    extract: str
    delivered_on: date
    file: str
    content: str
    reason: str
    records: int
    first: tuple[int, ...] = ()
    details: tuple[str, ...] = ()
    whole: bool = False
    kept: bool = True


def held(lake: Path, sources: Sequence[Source]) -> list[Held]:
    """Everything in quarantine that was not released or sent again since, oldest first."""
    found = [
        each
        for source in sources
        for extract in source.extracts
        for each in _held_of(receipts.read_all(lake, source.name, extract.name).values(), lake)
    ]
    return sorted(
        found, key=lambda each: (each.delivered_on, each.source, each.extract, each.file, each.reason)
    )


def export(
    lake: Path, extract: Extract, file: str, path: Path, records: Collection[int] | None = None
) -> int:
    """Write the held records of a file as sent to `path`, to be put right there; return how many.

    CSV gets its header line. `path` is replaced, and readable by its owner alone.

    Raises NothingHeld.
    """
    receipt, rows = _held_records(lake, extract, file, records)
    text = _as_text(lake, extract, receipt, [original for _, original in rows])
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
        target.write(text)
    return len(rows)


def release(
    lake: Path,
    extract: Extract,
    file: str,
    day: date,
    *,
    seen_until: date | None,
    records: Collection[int] | None = None,
    corrected: Path | None = None,
    source: Source | None = None,
    time_zone: str = "UTC",
) -> Receipt:
    """Deliver held records again, on `day`: those of `corrected`, or as they were sent; return the receipt.

    `seen_until` is the last delivery day a published version has seen. A released delivery is read by the
    next run that may see its day. With `source`, the extract's, the records are first read as that run will,
    in the settings' `time_zone`, and nothing is delivered when one of them would be held again.

    Raises NothingHeld, AlreadyReleased, StillWrong, WholesOnly and ReleaseTooEarly.
    """
    if extract.delivers != "rows":
        msg = (
            f"{extract.source}.{extract.name} delivers {extract.delivers}: records by themselves would "
            "replace the rest of theirs; have the file put right and sent again"
        )
        raise WholesOnly(msg)
    if seen_until is not None and day <= seen_until:
        msg = f"deliveries until {seen_until} have been published; release on a later day than {day}"
        raise ReleaseTooEarly(msg)
    receipt, rows = _held_records(lake, extract, file, records)
    if corrected is not None:
        text = corrected.read_text(encoding="utf-8-sig")
    else:
        text = _as_text(lake, extract, receipt, [original for _, original in rows])
    content = _as_parquet(extract, text, lake) if extract.format == "parquet" else text.encode("utf-8")
    digest = hashlib.sha256(content).hexdigest()
    _, suffix = _RELEASED_AS[extract.format]
    released = Receipt(
        extract.source,
        extract.name,
        day,
        f"released/{receipt.delivered_on}/{_without_suffixes(file)}{suffix}",
        digest,
        len(content),
        released_from={
            "file": receipt.file,
            "content": receipt.content,
            "delivered_on": receipt.delivered_on.isoformat(),
            "records": [record for record, _ in rows],
        },
    )
    if released.path(lake).exists():
        raise AlreadyReleased(_told(receipts.read(released.path(lake)), file, [number for number, _ in rows]))
    if source is not None:
        _require_right(released, content, replace(source, extracts=(extract,)), time_zone, lake)
    _put(released, content, lake)
    return released


def released_form(extract: Extract) -> Extract:
    """The extract as a released file is written."""
    file_format, _ = _RELEASED_AS[extract.format]
    return replace(extract, format=file_format, encoding="utf-8", member=None)


def _put(released: Receipt, content: bytes, lake: Path) -> None:
    """Land a release; its receipt comes last, so a release that was killed can be made again."""
    with Placing() as placing:
        if not released.landed_path(lake).exists():
            temporary = placing.temporary(released.landed_path(lake))
            temporary.write_bytes(content)
            os.chmod(temporary, 0o400)
    with Placing() as placing:
        placing.temporary(released.path(lake)).write_bytes(receipts.as_json(released))


def _require_right(released: Receipt, content: bytes, source: Source, time_zone: str, lake: Path) -> None:
    """Read a release in a lake of its own, gone afterwards; raise StillWrong unless all of it goes on."""
    from storage import raw
    from storage.reading.pseudonym import SHORTEST_KEY, HashKey

    # Below runs, where maintenance clears away what somebody who was killed left behind.
    (lake / "runs").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="release-", dir=lake / "runs") as folder:
        aside = Path(folder)
        _put(released, content, aside)
        # Nothing of what is read here stays, so the key need not be the one that hashes raw.
        key = HashKey(os.urandom(SHORTEST_KEY))
        pending = aside / "pending"
        (read,) = raw.read_pending(aside, [source], released.delivered_on, pending, time_zone, key)
        if read.status == "set_aside":
            missing = f" (columns that are missing: {read.missing_columns})" if read.missing_columns else ""
            msg = f"nothing of it would be read: {read.reason}{missing}"
            raise StillWrong(msg)
        wrong = _by_reason(_quarantined(released, pending))
    reasons = "; ".join(
        f"{reason}: {', '.join(details)} (records {', '.join(map(str, numbers[:10]))} of what is released)"
        for reason, (numbers, details) in wrong.items()
    )
    if reasons:
        msg = f"{read.rows_quarantined} of {read.rows_in} records would be held again: {reasons}"
        raise StillWrong(msg)
    wanted = len(released.released_from["records"]) if released.released_from else 0
    if read.rows_in != wanted:
        msg = (
            f"{read.rows_in} records would be released in place of {wanted} that are held: "
            "say by their numbers which ones they are"
        )
        raise StillWrong(msg)


def _held_of(known: Collection[Receipt], lake: Path) -> Iterator[Held]:
    """What is open of an extract, whose receipts these are."""
    gone = _releases(known)
    for receipt in known:
        if not receipt.quarantined_by_reason and receipt.status != "set_aside":
            continue
        of_file = (receipt.source, receipt.extract, receipt.delivered_on, receipt.file, receipt.content)
        rows = _quarantined(receipt, lake)
        still_open = [row for row in rows if (receipt.content, row[0]) not in gone]
        if receipt.status == "set_aside":
            if not _was_sent_again(receipt, known):
                details = [f"{reason}: {detail}" for _, reason, detail in rows]
                yield Held(
                    *(*of_file, receipt.reason or "", receipt.rows_in, (), tuple(dict.fromkeys(details))),
                    whole=True,
                )
        elif rows:
            for reason, (numbers, details) in _by_reason(still_open).items():
                yield Held(*of_file, reason, len(numbers), tuple(numbers[:10]), tuple(details))
        else:
            released = sum(content == receipt.content for content, _ in gone)
            if receipt.rows_quarantined > released:
                reasons = ", ".join(receipt.quarantined_by_reason)
                yield Held(*of_file, reasons, receipt.rows_quarantined - released, kept=False)


def _releases(known: Iterable[Receipt]) -> Mapping[tuple[str, int], Receipt]:
    """The release each record went in, by content and number. One that was set aside delivered nothing."""
    return {
        (receipt.released_from["content"], record): receipt
        for receipt in sorted(known, key=lambda each: each.order)
        if receipt.released_from and receipt.status != "set_aside"
        for record in receipt.released_from["records"]
    }


def _was_sent_again(receipt: Receipt, known: Iterable[Receipt]) -> bool:
    """Whether a file set aside came a second time under its name and was taken, or its records did."""
    if receipt.released_from:  # its records are open again in the file they came from
        return True
    return any(
        each.file == receipt.file and each.status == "accepted" and each.delivered_on >= receipt.delivered_on
        for each in known
    )


def _quarantined(receipt: Receipt, root: Path) -> list[tuple[int, str, str]]:
    """Record, reason and detail of each record in quarantine, by record; not the row of the whole file."""
    import pyarrow.parquet as pq

    path = receipt.quarantine_path(root)
    if not path.exists():
        return []
    table = pq.read_table(path, columns=["record", "reason", "detail"], partitioning=None)
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return sorted(row for row in rows if row[0] is not None)


def _by_reason(rows: Iterable[tuple[int, str, str]]) -> dict[str, tuple[list[int], list[str]]]:
    """The records' numbers and their different details, by reason."""
    found: dict[str, tuple[list[int], list[str]]] = {}
    for record, reason, detail in rows:
        numbers, details = found.setdefault(reason, ([], []))
        numbers.append(record)
        if detail not in details:
            details.append(detail)
    return dict(sorted(found.items()))


def _without_suffixes(file: str) -> str:
    """A file's path without what says how it is written and packed."""
    from storage.reading.archive import SUFFIXES

    stem = file
    for _ in range(2):
        shorter, suffix = os.path.splitext(stem)
        if not suffix[1:].isalnum() or suffix[1:].isdigit():
            break
        stem, packed = shorter, suffix.lower() in SUFFIXES
        if not packed:
            break
    return stem


def _told(earlier: Receipt, file: str, records: Sequence[int]) -> str:
    numbers = ", ".join(map(str, records[:10])) + (" …" if len(records) > 10 else "")
    again = "; what was still wrong is held under that file" if earlier.rows_quarantined else ""
    return f"records {numbers} of {file} were released on {earlier.delivered_on} as {earlier.file}{again}"


def _held_records(
    lake: Path, extract: Extract, file: str, records: Collection[int] | None
) -> tuple[Receipt, list[tuple[int, bytes]]]:
    """The open records of a file, all or these, and its receipt; of the newest one that holds any."""
    import pyarrow.parquet as pq

    known = receipts.read_all(lake, extract.source, extract.name).values()
    releases = _releases(known)
    matching = [each for each in known if each.file == file and each.quarantine_path(lake).exists()]
    gone: list[tuple[int, Receipt]] = []
    for receipt in sorted(matching, key=lambda each: each.order, reverse=True):
        table = pq.read_table(
            receipt.quarantine_path(lake), columns=["record", "original"], partitioning=None
        )
        rows = [
            (row["record"], row["original"])
            for row in table.to_pylist()
            if row["record"] is not None and (records is None or row["record"] in records)
        ]
        earlier = {number: releases.get((receipt.content, number)) for number, _ in rows}
        gone += [(number, release) for number, release in earlier.items() if release]
        if gone and records is not None:  # named ones are not looked for in an older file of the same name
            break
        rows = [row for row in rows if earlier[row[0]] is None]
        if rows:
            return receipt, sorted(rows)
    if gone:
        last = gone[0][1]
        raise AlreadyReleased(_told(last, file, sorted(number for number, each in gone if each is last)))
    still_open = list(_held_of(known, lake))
    wanted = f"records {sorted(records)} of {file}" if records else file
    if any(each.file == file and not each.kept for each in still_open):
        msg = f"no record to release for {wanted}: what was sent is no longer kept; have it sent again"
        raise NothingHeld(msg)
    held_files = sorted({each.file for each in still_open if each.kept})
    msg = (
        f"no record to release for {wanted}; held: {', '.join(held_files) or 'nothing'}"
        " (a file set aside whole has no records: have it sent again)"
    )
    raise NothingHeld(msg)


def _as_text(lake: Path, extract: Extract, receipt: Receipt, originals: Sequence[bytes]) -> str:
    """The records as UTF-8 text in the layout a released file has; bytes that are no text are escaped."""
    encoding = receipt.encoding or "utf-8"
    lines = [original.decode(encoding, "backslashreplace").rstrip("\r\n") for original in originals]
    if extract.format == "csv":
        lines = [_header(lake, extract, receipt), *lines]
    return "".join(line + "\n" for line in lines)


def _header(lake: Path, extract: Extract, receipt: Receipt) -> str:
    """The header the records were sent under, for columns may stand in any order; once that is no longer
    kept, the declared columns under their names in the file.
    """
    from storage.reading.archive import pieces

    landed = receipt.landed_path(lake)
    if landed.exists():
        first = b""
        for piece in pieces(landed, extract.member):
            first += piece
            if len(first) > _LONGEST_HEADER:
                break
        text = first[:_LONGEST_HEADER].decode(receipt.encoding or "utf-8", "ignore").removeprefix("\ufeff")
        return text.splitlines()[0]
    declared = io.StringIO()
    csv.writer(declared, delimiter=extract.delimiter, lineterminator="").writerow(extract.sent_names)
    return declared.getvalue()


def _as_parquet(extract: Extract, text: str, lake: Path) -> bytes:
    """JSON lines as Parquet with the declared types; a value that cannot be one is refused by its column."""
    import duckdb

    from storage import lake as lake_files
    from storage.reading.row_checks import quoted

    rows: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line.strip()]
    path = lake_files.temporary_name(lake / "released.parquet")
    with duckdb.connect(":memory:") as connection:
        # A day in a format of its own is as the file had it: as text.
        names = ", ".join(
            f"{quoted(column.sent_name)} {'varchar' if column.date_format else column.data_type}"
            for column in extract.columns
        )
        connection.execute(f"create table released ({names})")
        places = ", ".join("?" for _ in extract.columns)
        for number, row in enumerate(rows, start=1):
            try:
                connection.execute(
                    f"insert into released values ({places})",
                    [row.get(name) for name in extract.sent_names],
                )
            except duckdb.ConversionException as wrong:
                msg = f"record {number} of the corrected file cannot be written with the declared types"
                raise StillWrong(msg) from wrong
        try:
            connection.execute(f"copy released to '{path}' (format parquet, compression zstd)")
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)
