"""Reading one delivered Parquet file into raw and quarantine, streamed through DuckDB."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from storage.reading.outcome import Outcome, Quarantine, Reject, SetAside
from storage.reading.pseudonym import raw_value
from storage.reading.row_checks import literal, quoted, written_as
from storage.reading.text_delivery import loader_fields

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from storage.declaration import Column, Extract
    from storage.reading.row_checks import RowChecks
    from storage.receipts import Receipt

# Rows of quarantine held in memory at once.
_BATCH = 50_000

_WHOLE = r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER"
_NUMBER = rf"{_WHOLE}|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)"
# What a column of the file may be so that its values are the declared type's, or can be tried as it.
_ACCEPTED = {
    "varchar": "VARCHAR",
    "bigint": _WHOLE,
    "double": _NUMBER,
    "decimal": _NUMBER,
    "date": "DATE",
    "timestamp": "TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE",
    "boolean": "BOOLEAN",
}


def typed_value(column: Column, zone: str, file_type: str) -> str:
    """SQL: a column's value in its declared type, null where it cannot be; instants as local to `zone`."""
    name = quoted(column.name)
    if column.date_format:
        return written_as(column, f"cast({name} as varchar)")
    if file_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({literal(zone)}, {name})"
    return f"try_cast({name} as {column.data_type})"


def column_types(path: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The columns of a Parquet file with their types as DuckDB names them.

    Raises SetAside for what is no whole Parquet file.
    """
    import duckdb

    with path.open("rb") as file:
        start = file.read(4)
        file.seek(-min(8, path.stat().st_size), 2)
        end = file.read()[-4:]
    if not start:
        raise SetAside("empty_file", "the file holds nothing")
    if start == b"PAR1" and end != b"PAR1":
        raise SetAside("truncated_archive", "the file ends before its footer")
    try:
        found = connection.execute(f"describe select * from {_reader(path)}").fetchall()
    except duckdb.Error as wrong:
        _require_own_fault(wrong)
        raise SetAside("corrupt_archive", "not a Parquet file, or its footer is damaged") from wrong
    return {name: kind for name, kind, *_ in found if name != "file_row_number"}


def read_parquet(
    path: Path,
    extract: Extract,
    receipt: Receipt,
    types: dict[str, str],
    checks: RowChecks,
    raw: Path,
    quarantine: Quarantine,
    connection: duckdb.DuckDBPyConnection,
    zone: str,
    erased: str = "",
) -> Outcome:
    """Write the good rows of the file to `raw`, hashes for what is personal, and the others to `quarantine`.

    `types` are those of the file, `zone` is the source's time zone, `erased` is SQL: whether a row goes
    nowhere. Raises SetAside for a file of which
    nothing may go on. `raw` is then to be thrown away.
    """
    import duckdb

    try:
        rows_in = connection.execute(f"select count(*) from {_reader(path)}").fetchall()[0][0]
        _require_declared(extract, types, rows_in)
        reader = _declared_columns(extract, _reader(path))
        outcome = Outcome(rows_in, tuple(name for name in types if name not in extract.sent_names))
        typed = {column: typed_value(column, zone, types[column.sent_name]) for column in extract.columns}
        values = ", ".join(
            f"{raw_value(column, value)} as {quoted(column.name)}" for column, value in typed.items()
        )
        stays = f"{checks.first_broken} is null" + (f" and ({erased}) is not true" if erased else "")
        # v2 packs rising numbers as differences: a sixth smaller, and a tenth faster to write and to read.
        written = connection.execute(
            f"copy (select {values}, date '{receipt.delivered_on}' as _delivered_on, "
            f"{literal(receipt.file)} as _file, {literal(receipt.content)} as _content, "
            f"file_row_number + 1 as _record from {reader} where {stays}) "
            f"to {literal(raw)} (format parquet, parquet_version v2, compression zstd, row_group_size 122880)"
        ).fetchall()[0][0]
        if written < rows_in:  # only then is a second look needed
            _quarantine_broken(reader, extract, checks, outcome, quarantine, connection)
            if receipt.released_from is None:  # a few records someone looked at, not a delivery gone wrong
                outcome.require_mostly_readable()
            outcome.rows_erased = rows_in - outcome.rows_rejected - written
    except duckdb.Error as wrong:
        _require_own_fault(wrong)
        raise SetAside("corrupt_archive", "a page of the file cannot be read") from wrong
    return outcome


def raw_typed_schema(extract: Extract) -> pa.Schema:
    """The columns of a Parquet extract's raw: the declared ones in their types, and those the loader adds."""
    import pyarrow as pa

    return pa.schema([(column.name, _arrow_type(column)) for column in extract.columns] + loader_fields())


def _arrow_type(column: Column) -> pa.DataType:
    import pyarrow as pa

    if column.kind == "decimal":
        precision, scale = re.findall(r"\d+", column.data_type)
        return pa.decimal128(int(precision), int(scale))
    return {
        "varchar": pa.string(),
        "bigint": pa.int64(),
        "double": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }[column.kind]


def _require_own_fault(error: duckdb.Error) -> None:
    """Raise an error again that is not the file's: a full disk, too little memory, a fault of ours.

    What the readers of pages and footers throw has no class of its own and comes as a bare duckdb.Error.
    """
    import duckdb

    if type(error) is not duckdb.Error and not isinstance(error, duckdb.InvalidInputException):
        raise error


def _reader(path: Path) -> str:
    return f"read_parquet({literal(path)}, file_row_number = true, hive_partitioning = false)"


def _declared_columns(extract: Extract, reader: str) -> str:
    """SQL: the rows of a file with the declared columns under their declared names."""
    if extract.sent_names == extract.column_names:
        return reader
    names = ", ".join(f"{quoted(column.sent_name)} as {quoted(column.name)}" for column in extract.columns)
    return f"(select {names}, file_row_number from {reader})"


def _require_declared(extract: Extract, types: dict[str, str], rows_in: int) -> None:
    missing = tuple(name for name in extract.sent_names if name not in types)
    if missing:
        raise SetAside("wrong_header", f"missing: {', '.join(missing)}", rows_in, missing)
    for column in extract.columns:
        found = types[column.sent_name]
        accepted = f"VARCHAR|{_WHOLE}" if column.date_format else _ACCEPTED[column.kind]
        if not re.fullmatch(accepted, found):
            written = f" written {column.date_format}" if column.date_format else ""
            detail = f"column {column.sent_name} is {found}, declared is {column.data_type}{written}"
            raise SetAside("wrong_header", detail, rows_in)


def _quarantine_broken(
    reader: str,
    extract: Extract,
    checks: RowChecks,
    outcome: Outcome,
    quarantine: Quarantine,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    row = ", ".join(f"{quoted(column.sent_name)} := {quoted(column.name)}" for column in extract.columns)
    found = connection.execute(
        f"select file_row_number + 1, encode(cast(to_json(struct_pack({row})) as varchar)), broken from "
        f"(select *, {checks.first_broken} as broken from {reader}) where broken is not null "
    )
    while rows := found.fetchmany(_BATCH):
        rejects = [
            Reject(number, None, None, original, checks.promises[i].reason, checks.promises[i].detail)
            for number, original, i in rows
        ]
        outcome.rejected.update(reject.reason for reject in rejects)
        quarantine.add(rejects)
