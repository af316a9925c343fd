"""Reading one landed delivery, whatever its format, and saying in its receipt what became of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storage.access import private_folder
from storage.reading.content import Content
from storage.reading.csv_delivery import CsvFile
from storage.reading.encoding import detect
from storage.reading.erased import of_delivery
from storage.reading.excel_delivery import ExcelFile
from storage.reading.fixed_width_delivery import FixedWidthFile
from storage.reading.jsonl_delivery import JsonLinesFile
from storage.reading.outcome import Outcome, Quarantine, SetAside
from storage.reading.parquet_delivery import column_types, read_parquet, typed_value
from storage.reading.row_checks import row_checks
from storage.reading.text_delivery import read_text
from storage.requeue import released_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

    from storage.declaration import Column, Extract, Source
    from storage.reading.erased import Erased
    from storage.reading.text_delivery import TextFile
    from storage.receipts import Receipt

_FILES = {"csv": CsvFile, "jsonl": JsonLinesFile, "fixed_width": FixedWidthFile}


@dataclass(frozen=True)
class DeliveryReader:
    """Reads deliveries of one extract from the lake's landing into the folder `pending`.

    `time_zone` is the one in which the local date of an event is taken. `erased` are the people whose rows
    are passed over; `key_name` is that of the key the connection hashes under.
    """

    lake: Path
    source: Source
    extract: Extract
    pending: Path
    time_zone: str
    connection: duckdb.DuckDBPyConnection
    erased: Sequence[Erased] = ()
    key_name: str | None = None

    def read(self, receipt: Receipt, earlier: Iterable[Receipt]) -> Receipt:
        """Read a delivery and return its receipt; `earlier` are the receipts of the extract read so far.

        The rows are in place below `pending` when this returns, the receipt is not.
        """
        if receipt.released_from is not None and self.extract != released_form(self.extract):
            return replace(self, extract=released_form(self.extract)).read(receipt, earlier)
        original = original_of(receipt, earlier, self.extract)
        if original is not None:
            return receipt.with_outcome(
                status="duplicate", duplicate_of=original.file, rows_in=original.rows_in
            )
        raw, quarantine_path = receipt.raw_path(self.pending), receipt.quarantine_path(self.pending)
        unfinished = raw.with_suffix(".tmp")
        for path in (raw, quarantine_path):
            private_folder(path.parent, self.pending.parent).joinpath(path.name).unlink(missing_ok=True)
        quarantine = Quarantine(quarantine_path, receipt)
        try:
            receipt = receipt.with_outcome(encoding=self._encoding(receipt))
            outcome = self._read(receipt, unfinished, quarantine)
            if self.extract.delivers == "snapshot" and not outcome.rows_in:
                detail = "a snapshot without a row would be the end of all there was"
                raise SetAside("empty_snapshot", detail)
        except SetAside as reason:
            return _set_aside(receipt, reason, quarantine)
        else:
            os.replace(unfinished, raw)
        finally:
            quarantine.close()
            unfinished.unlink(missing_ok=True)
        return receipt.with_outcome(
            status="accepted",
            rows_in=outcome.rows_in - outcome.rows_erased,
            rows_raw=outcome.rows_in - outcome.rows_rejected - outcome.rows_erased,
            rows_erased=outcome.rows_erased,
            rows_quarantined=outcome.rows_rejected,
            added_columns=",".join(outcome.added_columns),
            missing_columns=",".join(outcome.missing_columns),
            quarantined_by_reason=dict(sorted(outcome.rejected.items())),
        )

    def _read(self, receipt: Receipt, unfinished: Path, quarantine: Quarantine) -> Outcome:
        path, zones = receipt.landed_path(self.lake), (self.source.time_zone, self.time_zone)
        erased = of_delivery(self.source, self.extract, receipt.delivered_on, self.erased, self.key_name)
        if self.extract.format != "parquet":
            checks, file = row_checks(self.extract, receipt.delivered_on, zones), self._file(path, receipt)
            return read_text(
                file, self.extract, receipt, checks, unfinished, quarantine, self.connection, erased
            )
        types = column_types(path, self.connection)

        def value(column: Column) -> str:
            return typed_value(column, zones[0], types.get(column.sent_name, ""))

        checks = row_checks(self.extract, receipt.delivered_on, zones, value)
        return read_parquet(
            path,
            self.extract,
            receipt,
            types,
            checks,
            unfinished,
            quarantine,
            self.connection,
            zones[0],
            erased,
        )

    def _encoding(self, receipt: Receipt) -> str | None:
        """What the text of a file is written in, declared or found out; None where the format says it."""
        if self.extract.format in {"parquet", "excel"}:
            return None
        if self.extract.encoding != "detect":
            return self.extract.encoding
        path = receipt.landed_path(self.lake)
        return detect(path, self.extract.encoding_candidates, self.extract.member)

    def _file(self, path: Path, receipt: Receipt) -> TextFile:
        if receipt.encoding is None:
            return ExcelFile(path, self.extract)
        # From '@' on, '|' with it, a byte can be the second half of a Chinese character.
        halves = receipt.encoding in {"gbk", "gb18030", "big5"} and self.extract.delimiter >= "@"
        content = Content(path, receipt.encoding, self.extract.member, transcode=halves)
        return _FILES[self.extract.format](content, self.extract)


def _set_aside(receipt: Receipt, reason: SetAside, quarantine: Quarantine) -> Receipt:
    # Only where the rows themselves are the fault do they stand in quarantine, each with its own reason.
    if reason.reason != "mostly_unreadable":
        quarantine.start_again()
    quarantine.add_file(reason.reason, reason.detail)
    return receipt.with_outcome(
        status="set_aside",
        reason=reason.reason,
        rows_in=reason.rows_in,
        rows_quarantined=reason.rows_in,
        missing_columns=",".join(reason.missing_columns),
        quarantined_by_reason={reason.reason: reason.rows_in},
    )


def original_of(receipt: Receipt, earlier: Iterable[Receipt], extract: Extract) -> Receipt | None:
    """The first delivery of the same bytes, when delivering them again adds nothing.

    On a later day it does add something where the first was set aside, empty, or kept back rows because of
    its day: a file sent under the wrong date is sent again, with the same bytes, under the right one. A file
    of a snapshot or of documents always does: another may have replaced the first meanwhile, or a part
    beside it changed.
    """
    is_whole = extract.delivers != "rows"
    same = [
        other
        for other in earlier
        if other.sha256 == receipt.sha256
        and other.order < receipt.order
        and other.status in {"accepted", "set_aside"}
        and (other.delivered_on == receipt.delivered_on or (not is_whole and _says_it_all(other)))
    ]
    return min(same, key=lambda other: other.order, default=None)


def _says_it_all(receipt: Receipt) -> bool:
    return receipt.rows_raw > 0 and "after_delivery" not in receipt.quarantined_by_reason
