"""Reading one delivered CSV file into raw and quarantine, a chunk at a time.

A chunk that is clean goes through Arrow's CSV parser and DuckDB's casts, at the speed of both. One in which
anything is odd is read record by record. Both give the same rows; only the time differs.
"""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from storage.reading.archive import ArchiveBroken, pieces
from storage.reading.csv_records import CleanRecords, Dialect, clean_records, exact_records
from storage.reading.outcome import Outcome, Quarantine, Reject, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb
    import numpy as np
    import pyarrow as pa

    from storage.declaration import Extract
    from storage.reading.row_checks import RowChecks
    from storage.receipts import Receipt

# Decompressed bytes looked at together: some 80,000 lines of purchases, 100 MB of memory at most.
CHUNK = 8 << 20

# In a chunk with something odd in it, bytes looked at together, so that few good lines take the slow way
# with it.
WINDOW = 256 << 10


@dataclass(frozen=True)
class Chunk:
    """Whole records of a file: `rows` can be read, with their values as text; `rejects` cannot.

    `numbers`, `starts`, `ends`, `lines` belong to `rows`: the record's number in the file, its bytes in
    `content` and its first physical line in the file. `records` counts rows and rejects; `offset` is the
    place of `content` in the file.
    """

    rows: pa.Table
    numbers: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    lines: np.ndarray
    rejects: Sequence[Reject]
    records: int
    content: bytes
    offset: int


def read_csv(
    path: Path,
    extract: Extract,
    receipt: Receipt,
    checks: RowChecks,
    raw: Path,
    quarantine: Quarantine,
    connection: duckdb.DuckDBPyConnection,
) -> Outcome:
    """Write the good rows of the file at `path` to `raw` and the others to `quarantine`.

    Raises SetAside for a file of which nothing may go on. `raw` is then to be thrown away.
    """
    import pyarrow.parquet as pq

    file = _CsvFile(path, extract)
    schema = raw_text_schema(extract)
    outcome = Outcome()
    # Dictionaries only where one value fills the file: half the time to write, and a smaller file.
    same = ["_delivered_on", "_file", "_content"]
    with pq.ParquetWriter(raw, schema, compression="zstd", use_dictionary=same) as writer:
        for chunk in file.chunks():
            broken = _broken_promises(chunk.rows, checks, connection)
            rejects = sorted((*chunk.rejects, *_rejects(chunk, broken, checks)), key=lambda r: r.record)
            quarantine.add(rejects)
            outcome.rejected.update(reject.reason for reject in rejects)
            outcome.rows_in += chunk.records
            good = _raw_rows(chunk, broken, receipt, schema)
            if good.num_rows:
                writer.write_table(good)
    outcome.added_columns = file.added_columns
    outcome.require_mostly_readable()
    return outcome


def raw_text_schema(extract: Extract) -> pa.Schema:
    """The columns of a CSV extract's raw: every declared one as text, as sent, and those the loader adds."""
    import pyarrow as pa

    return pa.schema([(name, pa.string()) for name in extract.column_names] + loader_fields())


def loader_fields() -> list[tuple[str, Any]]:
    """The columns the loader adds to raw."""
    import pyarrow as pa

    return [
        ("_delivered_on", pa.date32()),
        ("_file", pa.string()),
        ("_content", pa.string()),
        ("_record", pa.int64()),
    ]


class _CsvFile:
    """One file being read: where in it we are, and what its header said."""

    def __init__(self, path: Path, extract: Extract) -> None:
        self._path = path
        self._extract = extract
        self._dialect = Dialect(extract.delimiter.encode("ascii"), extract.encoding, 0)
        self._header: list[str] = []
        self.added_columns: tuple[str, ...] = ()
        self._offset, self._line, self._record = 0, 1, 0
        self._odd_until = 0  # up to this offset we know that something odd is near

    def chunks(self) -> Iterator[Chunk]:
        """Yield the file's records, some at a time.

        Raises SetAside when the archive, the header or the whole file is not what was declared, after
        reading to the end, so that its records are counted.
        """
        waiting, wrong_header, at_end = b"", None, False
        source = pieces(self._path)
        started = False
        while not at_end:
            waiting, at_end, broken = _fill(source, waiting)
            if not started:
                if not waiting.removeprefix(codecs.BOM_UTF8) and not broken:
                    raise SetAside("empty_file", "the file holds nothing, not even a header")
                waiting, wrong_header = self._take_header(waiting)
                started = True
            while waiting:
                chunk = self._chunk(waiting, at_end)
                if not chunk.content:
                    break
                waiting = waiting[len(chunk.content) :]
                if wrong_header is None:
                    yield chunk
            if broken is not None:
                raise SetAside(broken.reason, str(broken), self._record)
        if wrong_header is not None:
            wrong_header.rows_in = self._record
            raise wrong_header

    def _take_header(self, content: bytes) -> tuple[bytes, SetAside | None]:
        header, newline, rest = content.partition(b"\n")
        self._offset, self._line = len(header) + len(newline), 2
        names: list[str] = []
        wrong = None
        try:
            text = header.removeprefix(codecs.BOM_UTF8).removesuffix(b"\r").decode(self._dialect.encoding)
            names = next(csv.reader([text], delimiter=self._extract.delimiter, strict=True), [])
        except UnicodeDecodeError:
            wrong = SetAside("not_decodable", f"the header is not {self._dialect.encoding}")
        except csv.Error as unreadable:
            wrong = SetAside("wrong_header", f"the header cannot be read: {unreadable}")
        declared = self._extract.column_names
        missing = tuple(name for name in declared if name not in names)
        twice = sorted({name for name in names if name in declared and names.count(name) > 1})
        if wrong is None and missing:
            wrong = SetAside("wrong_header", f"missing: {', '.join(missing)}", missing_columns=missing)
        elif wrong is None and twice:
            wrong = SetAside("wrong_header", f"there more than once: {', '.join(twice)}")
        self._header = names
        self.added_columns = tuple(name for name in names if name not in declared)
        self._dialect = replace(self._dialect, columns=len(names))
        return rest, wrong

    def _chunk(self, waiting: bytes, at_end: bool) -> Chunk:
        found = None
        if self._offset >= self._odd_until:
            found = self._clean_chunk(waiting, at_end)
            if found is None:
                self._odd_until = self._offset + len(waiting)
        if found is None and len(waiting) > WINDOW:
            found = self._clean_chunk(waiting[:WINDOW], at_end=False)
        chunk, lines = found or self._exact_chunk(waiting, at_end)
        self._offset += len(chunk.content)
        self._line += lines
        self._record += chunk.records
        return chunk

    def _parse_fast(self, waiting: bytes, clean: CleanRecords) -> pa.Table | None:
        """The records as text by Arrow's parser, or None when it does not see just these records."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        names = [str(position) for position in range(len(self._header))]
        wanted = [
            str(self._header.index(name)) for name in self._extract.column_names if name in self._header
        ]
        if len(wanted) < len(self._extract.columns):
            return None
        try:
            content = _as_utf8(waiting[: clean.end], self._dialect.encoding)
            rows = arrow_csv.read_csv(
                pa.BufferReader(content),
                # One thread and one block: the order of rows and the bytes of raw hang on neither.
                arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
                arrow_csv.ParseOptions(
                    delimiter=self._extract.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=self._dialect.columns > 1,
                ),
                arrow_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    include_columns=wanted,
                ),
            )
        except (UnicodeDecodeError, pa.ArrowInvalid):
            return None
        if rows.num_rows != len(clean.starts):
            return None
        return rows.rename_columns(list(self._extract.column_names))

    def _clean_chunk(self, waiting: bytes, at_end: bool) -> tuple[Chunk, int] | None:
        """The complete records of a chunk and the lines they take, if there is nothing odd in it."""
        import numpy as np

        clean = clean_records(waiting, at_end=at_end, dialect=self._dialect)
        rows = self._parse_fast(waiting, clean) if clean is not None else None
        if clean is None or rows is None:
            return None
        count = len(clean.starts)
        chunk = Chunk(
            rows=_without_empty_numbers(rows, self._extract) if b'""' in waiting else rows,
            numbers=np.arange(self._record + 1, self._record + 1 + count),
            starts=clean.starts,
            ends=clean.ends,
            lines=self._line + np.searchsorted(clean.line_ends, clean.starts),
            rejects=(),
            records=count,
            content=waiting[: clean.end],
            offset=self._offset,
        )
        return chunk, waiting.count(b"\n", 0, clean.end)

    def _exact_chunk(self, waiting: bytes, at_end: bool) -> tuple[Chunk, int]:
        import numpy as np
        import pyarrow as pa

        records, end, lines = exact_records(waiting, at_end=at_end, dialect=self._dialect, until=WINDOW)
        numbered = list(enumerate(records, self._record + 1))
        good = [(number, record) for number, record in numbered if record.reason is None]
        positions = [self._header.index(name) for name in self._extract.column_names if name in self._header]
        names = [self._header[position] for position in positions]
        rows = pa.table(
            [
                pa.array([record.fields[position] for _, record in good], pa.string())
                for position in positions
            ],
            names=names,
        )
        rejects = [
            Reject(
                record=number,
                line=self._line + record.line,
                byte_offset=self._offset + record.start,
                original=waiting[record.start : record.end],
                reason=record.reason,
                detail=record.detail,
            )
            for number, record in numbered
            if record.reason is not None
        ]
        chunk = Chunk(
            rows=_without_empty_numbers(rows, self._extract),
            numbers=np.array([number for number, _ in good], np.int64),
            starts=np.array([record.start for _, record in good], np.int64),
            ends=np.array([record.end for _, record in good], np.int64),
            lines=np.array([self._line + record.line for _, record in good], np.int64),
            rejects=rejects,
            records=len(records),
            content=waiting[:end],
            offset=self._offset,
        )
        return chunk, lines


def _fill(source: Iterator[bytes], waiting: bytes) -> tuple[bytes, bool, ArchiveBroken | None]:
    """Add pieces until a chunk is full; also say whether the file ended there, and whether it broke off."""
    parts, size = [waiting], len(waiting)
    while size < len(waiting) + CHUNK:
        try:
            piece = next(source, None)
        except ArchiveBroken as broken:
            return b"".join(parts), True, broken
        if piece is None:
            return b"".join(parts), True, None
        parts.append(piece)
        size += len(piece)
    return b"".join(parts), False, None


def _as_utf8(content: bytes, encoding: str) -> bytes:
    text = content.decode(encoding)
    return content if encoding == "utf-8" else text.encode("utf-8")


def _without_empty_numbers(rows: pa.Table, extract: Extract) -> pa.Table:
    """Null for "" where the column is no text: so a missing number is written where every field is quoted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {column.name: column.kind for column in extract.columns}
    for position, name in enumerate(rows.column_names):
        if kinds[name] != "varchar":
            values = rows.column(position)
            filled = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
            rows = rows.set_column(position, name, filled)
    return rows


def _broken_promises(rows: pa.Table, checks: RowChecks, connection: duckdb.DuckDBPyConnection) -> np.ndarray:
    """Of the rows that break a promise: the position in `rows`, and which they break first."""
    import numpy as np
    import pyarrow as pa

    if not rows.num_rows or not checks.promises:
        return np.empty((0, 2), np.int64)
    positions = pa.array(np.arange(rows.num_rows))
    # As a stream: DuckDB takes 1 ms longer to take in a table, and there is one for each of many small files.
    connection.register("chunk", rows.append_column("_position", positions).to_reader())
    try:
        found = connection.execute(
            f"select _position, broken from (select _position, {checks.first_broken} as broken from chunk) "
            "where broken is not null"
        ).fetchall()
    finally:
        connection.unregister("chunk")
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _rejects(chunk: Chunk, broken: np.ndarray, checks: RowChecks) -> Iterator[Reject]:
    for row, index in broken.tolist():
        start, end = int(chunk.starts[row]), int(chunk.ends[row])
        promise = checks.promises[index]
        yield Reject(
            record=int(chunk.numbers[row]),
            line=int(chunk.lines[row]),
            byte_offset=chunk.offset + start,
            original=chunk.content[start:end],
            reason=promise.reason,
            detail=promise.detail,
        )


def _raw_rows(chunk: Chunk, broken: np.ndarray, receipt: Receipt, schema: pa.Schema) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    rows, numbers = chunk.rows, chunk.numbers
    if len(broken):
        good = np.ones(rows.num_rows, bool)
        good[broken[:, 0]] = False
        rows, numbers = rows.filter(pa.array(good)), numbers[good]
    count = rows.num_rows
    added = [
        pa.repeat(pa.scalar(receipt.delivered_on, pa.date32()), count),
        pa.repeat(receipt.file, count),
        pa.repeat(receipt.content, count),
        pa.array(numbers, pa.int64()),
    ]
    return pa.table([*rows.columns, *added], schema=schema)
