"""Quarantine for operators: what is held, and letting records go after they were put right.

A record is released as a delivery of its own, of the day of the release: what a past day saw stays as it was.
The released file is UTF-8 in the extract's own layout; records of workbooks are released as JSON lines, those
of Parquet as Parquet. Whatever is still wrong with a record quarantines it again, under the new file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage import receipts
from storage.placing import Placing
from storage.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date
    from pathlib import Path

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
    """Corrected records cannot be written as the extract's Parquet; the message names the column."""


class WholesOnly(ValueError):
    """A few records released by themselves would replace everything delivered beside them."""


class ReleaseTooEarly(ValueError):
    """A release would change what a published day saw."""


@dataclass(frozen=True)
class Held:
    """Records of one file held for one reason (grain: source, extract, delivered_on, file, content, reason).

    `released` is how many of the file's records were released since, whatever their reason.
    """

    source: str
    extract: str
    delivered_on: date
    file: str
    content: str
    reason: str
    records: int
    released: int


def held(lake: Path, sources: Sequence[Source]) -> list[Held]:
    """Everything in quarantine, oldest first."""
    found = []
    for source in sources:
        for extract in source.extracts:
            known = receipts.read_all(lake, source.name, extract.name).values()
            gone: Counter[tuple[str, str]] = Counter()
            for receipt in known:
                if receipt.released_from:
                    origin = receipt.released_from
                    gone[origin["file"], origin["content"]] += len(origin["records"])
            for receipt in known:
                for reason, records in receipt.quarantined_by_reason.items():
                    found.append(
                        Held(
                            *(source.name, extract.name, receipt.delivered_on, receipt.file, receipt.content),
                            *(reason, records, gone[receipt.file, receipt.content]),
                        )
                    )
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
) -> Receipt:
    """Deliver held records again, on `day`: those of `corrected`, or as they were sent; return the receipt.

    `seen_until` is the last delivery day a published version has seen. A released delivery is read by the
    next run that may see its day.

    Raises NothingHeld, StillWrong, WholesOnly and ReleaseTooEarly.
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
        f"released/{receipt.delivered_on}/{file}{suffix}",
        digest,
        len(content),
        released_from={
            "file": receipt.file,
            "content": receipt.content,
            "delivered_on": receipt.delivered_on.isoformat(),
            "records": [record for record, _ in rows],
        },
    )
    with Placing() as placing:
        if not released.landed_path(lake).exists():
            temporary = placing.temporary(released.landed_path(lake))
            temporary.write_bytes(content)
            os.chmod(temporary, 0o400)
    with Placing() as placing:
        if not released.path(lake).exists():
            placing.temporary(released.path(lake)).write_bytes(receipts.as_json(released))
    return released


def released_form(extract: Extract) -> Extract:
    """The extract as a released file is written."""
    from dataclasses import replace

    file_format, _ = _RELEASED_AS[extract.format]
    return replace(extract, format=file_format, encoding="utf-8", member=None)


def _held_records(
    lake: Path, extract: Extract, file: str, records: Collection[int] | None
) -> tuple[Receipt, list[tuple[int, bytes]]]:
    import pyarrow.parquet as pq

    known = receipts.read_all(lake, extract.source, extract.name).values()
    matching = [each for each in known if each.file == file and each.quarantine_path(lake).exists()]
    rows: list[tuple[int, bytes]] = []
    for receipt in sorted(matching, key=lambda each: each.order, reverse=True):
        table = pq.read_table(
            receipt.quarantine_path(lake), columns=["record", "original"], partitioning=None
        )
        rows = [
            (row["record"], row["original"])
            for row in table.to_pylist()
            if row["record"] is not None and (records is None or row["record"] in records)
        ]
        if rows:
            return receipt, sorted(rows)
    held_files = sorted({each.file for each in known if each.rows_quarantined})
    wanted = f"records {sorted(records)} of {file}" if records else file
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
