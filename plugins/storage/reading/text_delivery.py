"""From the records of a delivered file whose values are text to its rows in raw and in quarantine.

Whatever the format, its reader gives the records in the order of the file, some at a time; what each row
must keep to, and what becomes of one that does not, is one and the same for all of them.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from storage.reading.outcome import Outcome, Place, Quarantine, Reject
from storage.reading.pseudonym import with_pseudonyms
from storage.reading.vouching import unvouched_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import duckdb
    import numpy as np
    import pyarrow as pa

    from storage.declaration import Extract
    from storage.reading.row_checks import RowChecks
    from storage.receipts import Receipt

# Chunks read that wait to be checked and written: two keep both threads busy, more would only take memory.
AHEAD = 2

# A column is written with a dictionary when it has fewer different values than this among the first rows of
# the file: half the time to write, and half the size, for values that repeat; the reverse for others.
_FEW_VALUES = 1000
_FIRST_ROWS = 20_000


@dataclass(frozen=True)
class Chunk:
    """Some records of a file: `rows` can be read, with their values as text; `rejects` cannot.

    `numbers` are those of `rows` in the file, from 1; `place` finds one of `rows` by its position, asked only
    for what goes to quarantine. `records` counts rows and rejects.
    """

    rows: pa.Table
    numbers: np.ndarray
    place: Callable[[int], Place]
    rejects: Sequence[Reject]
    records: int


class TextFile(Protocol):
    """A file being read.

    `chunks` yields its records in order and raises SetAside when nothing of it may go on; what the other two
    say holds once it is through.
    """

    added_columns: tuple[str, ...]
    missing_columns: tuple[str, ...]

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records, some at a time."""


def read_text(
    file: TextFile,
    extract: Extract,
    receipt: Receipt,
    checks: RowChecks,
    raw: Path,
    quarantine: Quarantine,
    connection: duckdb.DuckDBPyConnection,
    erased: str = "",
) -> Outcome:
    """Write the good rows of a file to `raw`, hashes for what is personal, and the others to `quarantine`.

    `erased` is SQL: whether a row goes nowhere. Raises SetAside for a file of which nothing may go on. `raw`
    is then to be thrown away.
    """
    # Reading and checking take as long as each other, and let go of the interpreter: two threads, and every
    # chunk is checked and written after the one before it.
    with (
        _Rows(extract, receipt, checks, raw, quarantine, connection, erased) as rows,
        ThreadPoolExecutor(1) as beside,
    ):
        waiting: deque[Future[None]] = deque()
        for chunk in file.chunks():
            waiting.append(beside.submit(rows.take, chunk))
            if len(waiting) > AHEAD:
                waiting.popleft().result()
        for taken in waiting:
            taken.result()
    outcome = rows.outcome
    outcome.added_columns = file.added_columns
    outcome.missing_columns = file.missing_columns
    if receipt.released_from is None:  # a few records someone looked at, not a delivery that went wrong
        outcome.require_mostly_readable()
    return outcome


def raw_text_schema(extract: Extract) -> pa.Schema:
    """The columns of raw where values are text: every declared one as sent, and those the loader adds."""
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


def without_empty_numbers(rows: pa.Table, extract: Extract) -> pa.Table:
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


class _Rows:
    """The rows of one delivery on their way: judged, counted and written, chunk after chunk."""

    def __init__(
        self,
        extract: Extract,
        receipt: Receipt,
        checks: RowChecks,
        raw: Path,
        quarantine: Quarantine,
        connection: duckdb.DuckDBPyConnection,
        erased: str,
    ) -> None:
        self.outcome = Outcome()
        self._extract = extract
        self._erased = erased
        self._receipt = receipt
        self._checks = checks
        self._raw = raw
        self._quarantine = quarantine
        self._connection = connection
        self._schema = raw_text_schema(extract)
        self._writer: Any = None

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is None:
            self._open(self._schema.empty_table())
        self._writer.close()

    def take(self, chunk: Chunk) -> None:
        """Write a chunk's good rows to raw and the others, with their reasons, to quarantine."""
        broken = self._broken_promises(chunk.rows)
        rejects = sorted((*chunk.rejects, *self._rejects(chunk, broken)), key=lambda reject: reject.record)
        self._quarantine.add(rejects)
        self.outcome.rejected.update(reject.reason for reject in rejects)
        self.outcome.rows_in += chunk.records
        good = self._raw_rows(chunk, broken)
        if good.num_rows:
            self._write(good)

    def _broken_promises(self, rows: pa.Table) -> np.ndarray:
        """Of the rows that break a promise: the position in `rows`, and which they break first."""
        import numpy as np
        import pyarrow as pa

        none = np.empty((0, 2), np.int64)
        if not rows.num_rows or not self._checks.promises:
            return none
        unsure = unvouched_columns(rows, self._checks)
        if not unsure:
            return none
        positions = pa.array(np.arange(rows.num_rows))
        looked_at = rows.select([name for name in rows.column_names if name in unsure])
        # As a stream: DuckDB takes 1 ms longer to take in a table, and there is one for each of many files.
        self._connection.register("chunk", looked_at.append_column("_position", positions).to_reader())
        try:
            found = self._connection.execute(
                f"select _position, broken from (select _position, {self._checks.first_broken_of(unsure)} "
                "as broken from chunk) where broken is not null"
            ).fetchall()
        finally:
            self._connection.unregister("chunk")
        return np.array(sorted(found), np.int64).reshape(-1, 2)

    def _rejects(self, chunk: Chunk, broken: np.ndarray) -> Iterator[Reject]:
        for row, index in broken.tolist():
            promise = self._checks.promises[index]
            yield Reject.at(chunk.place(row), int(chunk.numbers[row]), promise.reason, promise.detail)

    def _raw_rows(self, chunk: Chunk, broken: np.ndarray) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        rows, numbers = chunk.rows, chunk.numbers
        if len(broken):
            good = np.ones(rows.num_rows, bool)
            good[broken[:, 0]] = False
            rows, numbers = rows.filter(pa.array(good)), numbers[good]
        if self._erased and rows.num_rows:
            stays = ~self._is_erased(rows)
            rows, numbers = rows.filter(pa.array(stays)), numbers[stays]
            self.outcome.rows_erased += len(stays) - rows.num_rows
        rows = with_pseudonyms(rows, self._extract, self._connection)
        count = rows.num_rows
        added = [
            pa.repeat(pa.scalar(self._receipt.delivered_on, pa.date32()), count),
            _one_text(self._receipt.file, count),
            _one_text(self._receipt.content, count),
            pa.array(numbers, pa.int64()),
        ]
        return pa.table([*rows.columns, *added], names=self._schema.names)

    def _is_erased(self, rows: pa.Table) -> np.ndarray:
        self._connection.register("chunk", rows.to_reader())
        try:
            return self._connection.execute(f"select {self._erased} as it from chunk").fetchnumpy()["it"]
        finally:
            self._connection.unregister("chunk")

    def _write(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._open(rows)
        self._writer.write_table(rows)

    def _open(self, first: pa.Table) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(
            self._raw,
            first.schema,
            compression="zstd",
            use_dictionary=[*_columns_of_few_values(first), "_delivered_on", "_file", "_content"],
            column_encoding={"_record": "DELTA_BINARY_PACKED"},
            # The smallest and greatest of values that are text bound nothing, and cost a quarter of the time.
            write_statistics=["_record"],
            # Arrow's own note of the types would make dictionaries of `_file` and `_content` for readers too.
            store_schema=False,
        )


def _one_text(text: str, count: int) -> pa.Array:
    """The same text in every row, as a dictionary of one: nobody has to look for the others."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([text]))


def _columns_of_few_values(rows: pa.Table) -> list[str]:
    """The text columns that are worth a dictionary, by the first rows of the file, and so by its bytes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first = rows.slice(0, _FIRST_ROWS)
    return [
        name
        for name in first.column_names
        if first.schema.field(name).type == pa.string()
        and pc.count_distinct(first.column(name)).as_py() < min(_FEW_VALUES, max(2, first.num_rows // 4))
    ]
