"""What raw keeps of a delivery that was read once and cannot be read again: its bytes have expired.

When the declaration or the reader changes, every delivery is read again from landing. One whose bytes are
gone stays as it was read; only its columns are brought to the declaration, or raw's view could not join it to
the others: a new column is null, one no longer declared goes, and one that is personal now is hashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.reading import pseudonym
from storage.reading.row_checks import literal, quoted, written_as

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from storage.declaration import Column, Extract

# Why a receipt's rows are not what the declaration in force would make of the bytes.
REASON = "kept_as_read"

# Rows held in memory at once.
_BATCH = 100_000

_HASH = "[0-9a-f]{64}"


def has_columns(path: Path, schema: pa.Schema) -> bool:
    """Whether a file of raw has the declared columns in their types and order."""
    import pyarrow.parquet as pq

    return pq.read_schema(path).equals(schema)


def keep(
    path: Path, target: Path, extract: Extract, schema: pa.Schema, connection: duckdb.DuckDBPyConnection
) -> None:
    """Write the rows of a file of raw to `target` with the columns of `schema`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = f"read_parquet({literal(path)}, hive_partitioning = false)"
    there = set(pq.read_schema(path).names)
    declared = {column.name: column for column in extract.columns}
    values = (
        f"{_value(declared.get(name), name, extract) if name in there else 'null'} as {quoted(name)}"
        for name in schema.names
    )
    found = connection.execute(f"select {', '.join(values)} from {rows}").to_arrow_reader(_BATCH)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in found:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def _value(column: Column | None, name: str, extract: Extract) -> str:
    value = quoted(name)
    if column is None:
        return value
    if column.is_hashed:
        # Whether it was personal before is not known any more; what is a hash already stays the one it is.
        return f"if(regexp_full_match({value}, '{_HASH}'), {value}, {pseudonym.expression(column)})"
    if column.privacy == "free_text":
        return pseudonym.raw_value(column)
    if column.date_format:
        text = f"cast({value} as varchar)"
        day = written_as(column, text)
        if extract.format == "parquet":  # raw has days already, unless they were declared as something else
            return f"coalesce({day}, try_cast({text} as {column.data_type}))"
        return f"if({day} is null, null, {text})"
    return f"try_cast({value} as {column.data_type})"
