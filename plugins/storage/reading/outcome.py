"""What became of a delivered file: its rows in raw, its rows in quarantine, and the counts of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage.access import private_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from storage.receipts import Receipt

# More than this share of unreadable rows, and the fault is in the file, not in its rows: columns changed
# places, a wrong delimiter, another encoding. Then nothing of it goes on. A share of rows.
MOSTLY_UNREADABLE = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in its file, and its bytes there; a format without lines or bytes has None."""

    line: int | None
    byte_offset: int | None
    original: bytes


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that does not go on: `record` counts from 1, `line` and `byte_offset` say where it starts.

    A record of a Parquet file has no line or offset; its `original` is the row as JSON.
    """

    record: int
    line: int | None
    byte_offset: int | None
    original: bytes
    reason: str
    detail: str

    @classmethod
    def at(cls, place: Place, record: int, reason: str, detail: str) -> Reject:
        """The record at a place."""
        return cls(record, place.line, place.byte_offset, place.original, reason, detail)


class SetAside(ValueError):
    """A file of which nothing goes on. `rows_in` are the records that could be counted in it."""

    def __init__(
        self, reason: str, detail: str, rows_in: int = 0, missing_columns: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.rows_in = rows_in
        self.missing_columns = missing_columns


@dataclass
class Outcome:
    """The counts of a reading under way; `rows_erased` are of people who were erased, and go nowhere."""

    rows_in: int = 0
    added_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    rows_erased: int = 0

    @property
    def rows_rejected(self) -> int:
        """Records that do not go on."""
        return self.rejected.total()

    def require_mostly_readable(self) -> None:
        """Raise SetAside when too many of the records could not be read."""
        if self.rows_rejected > MOSTLY_UNREADABLE * self.rows_in:
            detail = f"{self.rows_rejected} of {self.rows_in} records cannot be read"
            raise SetAside("mostly_unreadable", detail, self.rows_in)


def quarantine_schema() -> pa.Schema:
    """The columns of a file in quarantine; grain: one record, or the whole file where `record` is null."""
    import pyarrow as pa

    return pa.schema(
        [
            ("source", pa.string()),
            ("extract", pa.string()),
            ("delivered_on", pa.date32()),
            ("file", pa.string()),
            ("content", pa.string()),
            ("record", pa.int64()),
            ("line", pa.int64()),
            ("byte_offset", pa.int64()),
            ("original", pa.binary()),
            ("reason", pa.string()),
            ("detail", pa.string()),
        ]
    )


class Quarantine:
    """Writes one file of rejected records, in the order given; no file when there are none."""

    def __init__(self, path: Path, receipt: Receipt) -> None:
        self._path = path
        self._receipt = receipt
        self._writer: Any = None

    def add(self, rejects: Sequence[Reject]) -> None:
        """Write these records."""
        self._write([(r.record, r.line, r.byte_offset, r.original, r.reason, r.detail) for r in rejects])

    def add_file(self, reason: str, detail: str) -> None:
        """Write the row that stands for the whole file; its bytes lie in landing."""
        self._write([(None, None, None, None, reason, detail)])

    def start_again(self) -> None:
        """Forget what was written."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, rows: Iterable[tuple[Any, ...]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema, receipt = quarantine_schema(), self._receipt
        of_file = (receipt.source, receipt.extract, receipt.delivered_on, receipt.file, receipt.content)
        names = schema.names
        table = pa.Table.from_pylist(
            [dict(zip(names, (*of_file, *row), strict=True)) for row in rows], schema
        )
        if not table.num_rows:
            return
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
            private_file(self._path)
        self._writer.write_table(table)
