"""The lake: one root folder, partitions put in place in one step.

A partition is one file. It is written under a temporary name beside its place and moved there with
`os.replace`, so a reader sees the old bytes or the new ones and never half of either.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, order=True)
class Day:
    """A day of the pipeline: what had happened before `as_of` and was delivered by `known_on`.

    `as_of` is the exclusive upper bound of every event window. `known_on` is the last delivery day that is
    seen; it equals `as_of` unless a past day is stated again with what came later.

    Raises ValueError when `known_on` lies before `as_of`.
    """

    as_of: date
    known_on: date

    def __post_init__(self) -> None:
        if self.known_on < self.as_of:
            msg = (
                f"known_on {self.known_on} lies before as_of {self.as_of}; it must be that day or a later one"
            )
            raise ValueError(msg)

    @classmethod
    def of(cls, as_of: date, known_on: date | None = None) -> Day:
        """The day `as_of` as it was known then, or on `known_on` when that is given."""
        return cls(as_of, known_on or as_of)

    @property
    def key(self) -> str:
        """The partition name of the day, e.g. `as_of=2018-01-01`; names `known_on` only where it differs."""
        if self.known_on == self.as_of:
            return f"as_of={self.as_of.isoformat()}"
        return f"as_of={self.as_of.isoformat()},known_on={self.known_on.isoformat()}"

    @property
    def month_start(self) -> Day:
        """The first day of the month of `as_of`: the day cut-points are fitted on.

        As it was known then; of a day stated again with what came later, as that is known.
        """
        first = self.as_of.replace(day=1)
        return Day.of(first, None if self.known_on == self.as_of else self.known_on)


# --- where things rest -------------------------------------------------------------------------------------


def features_path(lake: Path, day: Day) -> Path:
    """The features of one day, one row per customer, sorted by customer_id."""
    return lake / "features" / day.key / "customer_features.parquet"


def scores_path(lake: Path, scheme: str, day: Day) -> Path:
    """The scores of one scheme on one day, one row per customer. ValueError for what cannot name a scheme."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", scheme):
        msg = f"{scheme!r} cannot name a scheme: lower-case letters, digits and _ only, a letter first"
        raise ValueError(msg)
    return lake / "scores" / scheme / f"{day.key}.parquet"


def run_dir(lake: Path, run_id: str) -> Path:
    """The folder of one run; it is named here, not made.

    Airflow's run ids hold `:` and `+`, and a user may give any text. A name that is not a plain folder name
    is spelled with `-` and ends in a part of its hash, so two run ids never share a folder.
    """
    plain = re.sub(r"[^A-Za-z0-9_.=,-]", "-", run_id).lstrip(".")[:120]
    if plain != run_id or not plain:
        plain = f"{plain}~{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
    return lake / "runs" / plain


# --- putting files in place --------------------------------------------------------------------------------


class DiskTooSmall(OSError):
    """The disk has less room left than the step is going to need."""


def require_free(path: Path, needed: int) -> None:
    """Raise `DiskTooSmall` when fewer than `needed` bytes are free where `path` is, or is going to be."""
    there = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        msg = f"{needed / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free on the disk of"
        raise DiskTooSmall(errno.ENOSPC, msg, str(there))


def temporary_name(path: Path) -> Path:
    """A name beside `path` no other writer uses; hidden, and no glob for `*.parquet` or `*.json` finds it.

    It names its writer's machine and process. Those come again when a container is started again, and what
    it left may still lie there: hence the random digits.
    """
    writer = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(6).hex()}"
    return path.with_name(f".{path.name}@{writer}.tmp")


# No host name has an @, so the last one is where the writer begins, whatever the file is called.
_TEMPORARY = re.compile(r"\..+@(?P<host>[^@]+)-(?P<process>\d+)-[0-9a-f]{12}\.tmp(\.\w+)?")


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there takes its place at the end, or vanishes.

    The folder is made when it is missing. Nothing exists at the temporary path at first. When the body
    raises, the temporary file goes and `path` is as it was. A killed writer leaves its temporary file behind;
    `remove_leftovers` takes it away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        # Also after success: renaming a hard link onto another name of the same file does nothing at all,
        # and leaves both names standing.
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Put `text` at `path` in one step, as UTF-8 with its line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Put `value` at `path` in one step as JSON: keys sorted, so equal values are equal bytes."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def put(source: Path, path: Path, *, link: bool = True) -> None:
    """Put the bytes of an existing file at `path` in one step; `source` stays where it is.

    With `link` the two names share one file where the disk can do that, which costs nothing, but means that
    whoever writes *into* `source` later (rather than replacing it), or changes its mode, changes `path` too.
    Without it, and across disks, the bytes are copied.
    """
    with replacing(path) as temporary:
        if link:
            try:
                os.link(source.resolve(), temporary)
                return
            except OSError as refusal:
                if refusal.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
                    raise
        shutil.copyfile(source, temporary)


def remove_leftovers(folder: Path) -> list[Path]:
    """Take away the temporary files that killed writers left anywhere below `folder`; return what went.

    A temporary file is left alone while the process it names lives, and on other machines' behalf nothing is
    judged.
    """
    gone = []
    for leftover in sorted(folder.rglob(".*.tmp*")):
        writer = _TEMPORARY.fullmatch(leftover.name)
        if (
            writer
            and writer["host"] == socket.gethostname()
            and not _lives(int(writer["process"]))
            and leftover.is_file()
        ):
            leftover.unlink(missing_ok=True)
            gone.append(leftover)
    return gone


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# --- reading -----------------------------------------------------------------------------------------------


def batches(path: Path, columns: Sequence[str], rows: int = 500_000) -> Iterator[pd.DataFrame]:
    """Read `columns` of a Parquet file in frames of at most `rows` rows, in the file's order.

    One rule per type, whether or not anything is missing in this batch, so a batch cannot change a result:

    =====================  ==========================  =======
    Parquet                pandas                      missing
    =====================  ==========================  =======
    integers, DECIMAL      float64                     NaN
    DOUBLE, FLOAT          float64                     NaN
    BOOLEAN                boolean (nullable)          NA
    DATE, TIMESTAMP        datetime64[us]              NaT
    VARCHAR                str                         NaN
    =====================  ==========================  =======

    A DECIMAL becomes the nearest double, as DuckDB's cast does. A file without rows gives no batch.
    KeyError names the columns the file does not have.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        _require_columns(path, file.schema_arrow.names, columns)
        for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
            yield frame(batch, columns)


def table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read `columns` of a whole Parquet file as one frame; types as in `batches`, also without rows."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        _require_columns(path, file.schema_arrow.names, columns)
        return frame(file.read(columns=list(columns)), columns)


def side_by_side(paths: Mapping[str, Path], column: str, rows: int = 200_000) -> Iterator[pd.DataFrame]:
    """One categorical `column` of several files of the same customers, as frames with a column per name.

    The files hold the same rows in the same order (scores of one day); nothing is joined. Raises
    TableShapeWrong when they do not have as many rows as one another.
    """
    from contextlib import ExitStack

    import pandas as pd
    import pyarrow.parquet as pq

    with ExitStack() as opened:
        files = {
            name: opened.enter_context(pq.ParquetFile(path, read_dictionary=[column]))
            for name, path in paths.items()
        }
        counts = {name: file.metadata.num_rows for name, file in files.items()}
        if len(set(counts.values())) > 1:
            msg = f"the files have different numbers of rows: {counts}"
            raise TableShapeWrong(msg)
        read = [file.iter_batches(batch_size=rows, columns=[column]) for file in files.values()]
        for batch in zip(*read, strict=True):
            columns = [part.column(0).to_pandas() for part in batch]
            yield pd.DataFrame(dict(zip(files, columns, strict=True)), copy=False)


class Columns:
    """A table read one column at a time, each time it is asked for: what is fitted on must not fit in memory.

    Stands in for a DataFrame where only `columns`, `len()` and `frame[name]` are used; types as in `batches`.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            self.columns = file.schema_arrow.names
            self._rows = file.metadata.num_rows
        self._path = path

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> pd.Series:
        return table(self._path, [name])[name]


class DayColumns(Columns):
    """The same of the rows of one `as_of` in a table that is sorted by it; other rows are not read."""

    def __init__(self, path: Path, as_of: date) -> None:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        super().__init__(path)
        with pq.ParquetFile(path) as file:
            place = file.schema_arrow.names.index("as_of")
            groups = []
            for group in range(file.num_row_groups):
                told = file.metadata.row_group(group).column(place).statistics
                if told is None or not told.has_min_max or told.min <= as_of <= told.max:
                    groups.append(group)
            self._groups = groups
            self._mask = pc.equal(file.read_row_groups(groups, columns=["as_of"]).column("as_of"), as_of)
        self._rows = pc.sum(self._mask).as_py() or 0

    def __getitem__(self, name: str) -> pd.Series:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._path) as file:
            _require_columns(self._path, self.columns, [name])
            rows = file.read_row_groups(self._groups, columns=[name])
        return frame(rows.filter(self._mask), [name])[name]


def _require_columns(path: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    absent = [column for column in wanted if column not in there]
    if absent:
        msg = f"{path} has no column {', '.join(absent)}; it has {', '.join(there)}"
        raise KeyError(msg)


def frame(rows: pa.RecordBatch | pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of Arrow rows as pandas has them everywhere; types as in `batches`."""
    import pandas as pd

    return pd.DataFrame({column: _series(rows.column(column)) for column in columns}, copy=False)


def _series(values: pa.Array | pa.ChunkedArray) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    kind = values.type
    if pa.types.is_decimal(kind):
        return pd.Series(_decimals_as_doubles(values))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return values.cast(pa.float64(), safe=False).to_pandas()
    if pa.types.is_boolean(kind):
        return values.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us")).to_pandas()
    return values.to_pandas()


def _decimals_as_doubles(values: pa.Array | pa.ChunkedArray) -> Any:
    """The nearest double of each decimal; NaN where it is null.

    Arrow's own cast multiplies by 0.01, which is one bit off for a seventh of all cent amounts (measured on
    400,000): a replayed `net >= cut` would then disagree between Python and SQL. Dividing the unscaled
    integer by 100 is correctly rounded, and what DuckDB does.
    """
    import numpy as np
    import pyarrow as pa

    scale = values.type.scale
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    parts = []
    for chunk in chunks:
        words = chunk.cast(pa.decimal128(38, scale))
        low_high = np.frombuffer(words.buffers()[1], dtype="<i8").reshape(-1, 2)
        low, high = low_high[words.offset : words.offset + len(words)].T
        fits = high == low >> 63
        doubles = low / np.float64(10**scale)
        if not fits.all():
            # Beyond 9.2e18 unscaled: only sums of fixed-point squares get there; Arrow's cast will do.
            doubles = np.where(fits, doubles, words.cast(pa.float64()).to_numpy(zero_copy_only=False))
        if words.null_count:
            doubles[~words.is_valid().to_numpy(zero_copy_only=False)] = np.nan
        parts.append(doubles)
    return np.concatenate([np.empty(0), *parts])


# --- writing tables ----------------------------------------------------------------------------------------

ROW_GROUP = 122_880  # rows; DuckDB's own group size, so its scans run one thread per group

SCORE_KEYS = {
    "customer_id": "varchar",
    "as_of": "date",
    "known_on": "date",
    "scheme": "varchar",
    "segment": "varchar",
    "reason_code": "varchar",
    "reason_params": "varchar",
    "cutpoint_version": "varchar",
}


class TableShapeWrong(ValueError):
    """A frame does not have the columns, types or order its table declares."""


def write_parquet(
    path: Path,
    frames: Iterable[pd.DataFrame | pa.Table],
    columns: Mapping[str, str],
    *,
    key: str | None = None,
) -> int:
    """Write frames one after another as one Parquet file, in one step; return the number of rows.

    `columns` gives names, order and types (varchar, bigint, integer, double, date, timestamp, boolean,
    decimal(p,s)). The bytes depend on the rows alone: not on how they were cut into frames. With `key`, that
    column must rise strictly from row to row (one row each, sorted by it, text by its bytes as DuckDB sorts).

    Raises TableShapeWrong when a frame lacks or adds a column, holds a value its type cannot, or breaks the
    key.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])
    # A dictionary of distinct keys would be built only to be thrown away.
    repeating = [name for name in columns if name != key]
    rows = 0
    last = None
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression="zstd", use_dictionary=repeating, store_schema=False
        ) as file,
    ):
        waiting = schema.empty_table()
        for frame in frames:
            declared = _declared(frame, schema, path)
            if key and declared.num_rows:
                last = _require_rising(declared.column(key), last, key, path)
            rows += declared.num_rows
            waiting = pa.concat_tables([waiting, declared])
            while waiting.num_rows >= ROW_GROUP:
                file.write_table(waiting.slice(0, ROW_GROUP), ROW_GROUP)
                waiting = waiting.slice(ROW_GROUP)
        if waiting.num_rows or not rows:
            file.write_table(waiting, ROW_GROUP)
    return rows


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type a column type is stored as. Raises ValueError for what is no column type."""
    import pyarrow as pa

    named = {
        "varchar": pa.string(),
        "bigint": pa.int64(),
        "integer": pa.int32(),
        "double": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }
    if kind in named:
        return named[kind]
    decimal = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind)
    if not decimal:
        msg = f"{kind!r} is no column type; known are {', '.join(named)} and decimal(p,s)"
        raise ValueError(msg)
    return pa.decimal128(int(decimal[1]), int(decimal[2]))


def _declared(frame: pd.DataFrame | pa.Table, schema: pa.Schema, path: Path) -> pa.Table:
    """The rows of a frame with exactly the declared columns and types; NaN, NaT and NA become null."""
    import pyarrow as pa

    there = list(frame.column_names if isinstance(frame, pa.Table) else frame.columns)
    if sorted(there) != sorted(schema.names):
        absent = sorted(set(schema.names) - set(there)) or "none"
        added = sorted(set(there) - set(schema.names)) or "none"
        msg = f"{path.name}: columns missing: {absent}; not declared: {added}"
        raise TableShapeWrong(msg)
    arrays = []
    for field in schema:
        values = frame[field.name]
        try:
            if isinstance(frame, pa.Table):
                arrays.append(values.cast(field.type))
            elif pa.types.is_decimal(field.type) or (pa.types.is_string(field.type) and _is_text(values)):
                # Texts are Arrow's within pandas already; asked for as another type, they turn into objects.
                arrays.append(pa.Array.from_pandas(values).cast(field.type))
            else:
                arrays.append(pa.Array.from_pandas(values, type=field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as fault:
            msg = f"{path.name}: column {field.name} is no {field.type}: {fault}"
            raise TableShapeWrong(msg) from fault
    return pa.table(arrays, schema=schema)


def _is_text(values: pd.Series) -> bool:
    return getattr(values.dtype, "categories", values).dtype == "str"


def _require_rising(values: pa.ChunkedArray, last: Any, key: str, path: Path) -> Any:
    """Raise TableShapeWrong unless `values` rise strictly, the first above `last`; return the last one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = values.combine_chunks()
    if last is not None:
        values = pa.concat_arrays([pa.array([last], type=values.type), values])
    if values.null_count or not pc.all(pc.less(values[:-1], values[1:]), min_count=0).as_py():
        msg = (
            f"{path.name}: {key} must rise from row to row; it is missing in a row, repeats, or is not sorted"
        )
        raise TableShapeWrong(msg)
    return values[-1].as_py()


def write_scores(
    lake: Path,
    scheme: str,
    day: Day,
    cutpoint_version: str,
    frames: Iterable[pd.DataFrame],
    *,
    columns: Mapping[str, str],
) -> int:
    """Write the scores of one scheme on one day in one step; return the number of customers.

    Each frame holds customer_id, segment, reason_code, reason_params and the scheme's own `columns` (name →
    type as in `write_parquet`), sorted by customer_id within and across frames. The day, the scheme and the
    version of the cut-points are added here. Equal scores are equal bytes, whatever the size of the frames.

    Raises TableShapeWrong as `write_parquet` does, also for a customer scored twice.
    """
    constants = {
        "as_of": day.as_of,
        "known_on": day.known_on,
        "scheme": scheme,
        "cutpoint_version": cutpoint_version,
    }
    stamped = (frame.assign(**constants) for frame in frames)
    declared = SCORE_KEYS | dict(columns)
    return write_parquet(scores_path(lake, scheme, day), stamped, declared, key="customer_id")
