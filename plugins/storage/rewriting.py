"""Taking rows out of a Parquet file: the others stay as they are, in their order, written the same way.

The file is replaced in one step. It is written by the program that wrote it, with the settings that can be
read off it, so that a table whose rows do not depend on each other has the bytes a rerun would give it.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

from storage import lake as place
from storage.reading.row_checks import literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import numpy as np
    import pyarrow.parquet as pq

_POSITION = "file_row_number"


def rows_where(path: Path, condition: str, connection: duckdb.DuckDBPyConnection) -> np.ndarray:
    """The positions of the rows of which the SQL `condition` is true, ascending from 0."""
    found = connection.execute(
        f"select {_POSITION} as position from {_reader(path)} where {condition} order by 1"
    )
    return found.fetchnumpy()["position"]


def without_rows(path: Path, condition: str, connection: duckdb.DuckDBPyConnection) -> int:
    """Take the rows out of which `condition` is true; return their number. None: the file is left alone."""
    import pyarrow.parquet as pq

    gone = rows_where(path, condition, connection)
    if not len(gone):
        return 0
    mode = stat.S_IMODE(path.stat().st_mode)
    with place.replacing(path) as temporary:
        with pq.ParquetFile(path) as file:
            by_duckdb = "DuckDB" in (file.metadata.created_by or "")
            if not by_duckdb:
                _write_with_arrow(file, gone, temporary)
        if by_duckdb:
            # One thread: it cuts groups of rows as the copy of a query does, several as the file's were.
            threads = connection.execute("select current_setting('threads')").fetchone()[0]
            connection.execute("set threads = 1")
            connection.execute(
                f"copy (select * exclude ({_POSITION}) from {_reader(path)} where ({condition}) is not true) "
                f"to {literal(temporary)} "
                f"(format parquet, compression zstd, row_group_size {place.ROW_GROUP})"
            )
            connection.execute(f"set threads = {threads}")
        temporary.chmod(mode)
    return len(gone)


def _reader(path: Path) -> str:
    return f"read_parquet({literal(path)}, {_POSITION} = true, hive_partitioning = false)"


def _write_with_arrow(file: pq.ParquetFile, gone: np.ndarray, target: Path) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    meta = file.metadata
    sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
    # Tables of the lake are cut every ROW_GROUP rows; raw where the reader's chunks ended.
    recut = all(size == place.ROW_GROUP for size in sizes[:-1])
    waiting = file.schema_arrow.empty_table()
    begins = written = 0
    with pq.ParquetWriter(target, file.schema_arrow, **_settings(meta)) as writer:
        for group, size in enumerate(sizes):
            stays = np.ones(size, bool)
            stays[gone[(gone >= begins) & (gone < begins + size)] - begins] = False
            begins += size
            waiting = pa.concat_tables([waiting, file.read_row_group(group).filter(pa.array(stays))])
            while waiting.num_rows and (not recut or waiting.num_rows >= place.ROW_GROUP):
                part = waiting.slice(0, place.ROW_GROUP) if recut else waiting
                writer.write_table(part, max(part.num_rows, 1))
                written += part.num_rows
                waiting = waiting.slice(part.num_rows)
        if waiting.num_rows or not written:
            writer.write_table(waiting, place.ROW_GROUP)


def _settings(meta: pq.FileMetaData) -> dict[str, Any]:
    """How a file was written, as the writer's arguments."""
    chunks = [
        meta.row_group(group).column(column)
        for group in range(meta.num_row_groups)
        for column in range(meta.num_columns)
    ]
    with_dictionary = sorted({chunk.path_in_schema for chunk in chunks if chunk.has_dictionary_page})
    delta = {
        chunk.path_in_schema: "DELTA_BINARY_PACKED"
        for chunk in chunks
        if "DELTA_BINARY_PACKED" in chunk.encodings
    }
    with_statistics = sorted({chunk.path_in_schema for chunk in chunks if chunk.is_stats_set})
    every = len({chunk.path_in_schema for chunk in chunks})
    return {
        "compression": chunks[0].compression.lower() if chunks else "zstd",
        "use_dictionary": with_dictionary or False,
        "column_encoding": delta or None,
        "write_statistics": True if len(with_statistics) == every else with_statistics or False,
        "store_schema": b"ARROW:schema" in (meta.metadata or {}),
    }
