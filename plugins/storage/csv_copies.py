"""CSV copies of tables, the way Excel opens them by double click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import lake as place
from storage.reading.row_checks import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

CSV_ROWS = 1_048_575  # rows an Excel sheet holds below its header; a longer table has no CSV


def write_csvs(staged: Path) -> None:
    """Each table that fits a sheet as csv/<table>.csv, the way Excel opens it by double click: BOM and CRLF.

    Excel computes a text that starts with = + - @ or a control character before one: a product named
    `=HYPERLINK(…)` would be run on the reader's machine. Such a text gets an apostrophe in front, here alone:
    Parquet and bi.duckdb hold it as it is. Only columns of text are concerned: a number stays a number.

    DuckDB ends records with LF and cannot be told otherwise; a line break inside a quoted text is left alone.
    """
    import duckdb
    import pyarrow.parquet as pq

    with duckdb.connect() as connection:
        for table in sorted(staged.glob("*.parquet")):
            if pq.read_metadata(table).num_rows > CSV_ROWS:
                continue
            with place.replacing(staged / "csv" / f"{table.stem}.csv") as temporary:
                plain = temporary.with_name(f"{temporary.name}.lf")
                rows = f"read_parquet({literal(table)})"
                connection.execute(
                    f"copy (select {_guarded(connection, rows)} from {rows}) to {literal(plain)}"
                    " (format csv, header, delimiter ',')"
                )
                with plain.open("rb") as source, temporary.open("wb") as target:
                    target.write(b"\xef\xbb\xbf")
                    target.writelines(_with_crlf(iter(lambda file=source: file.read(1 << 20), b"")))
                plain.unlink()


def _guarded(connection: DuckDBPyConnection, rows: str) -> str:
    """The columns of `rows` to select, an apostrophe before every text Excel would take for a formula."""
    described = connection.execute(f"describe select * from {rows}").fetchall()
    texts = [quoted(column) for column, kind, *_ in described if kind == "VARCHAR"]
    # One call a column: as conditions, a hundred columns take DuckDB's optimizer five seconds.
    marks = [rf"regexp_replace({text}, '^([=+@\t\n\r-])', '''\1') as {text}" for text in texts]
    return f"* replace ({', '.join(marks)})" if marks else "*"


def _with_crlf(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same CSV with CRLF after each record. Between an odd and an even quote is text, even if `""`."""
    quoted = False
    for block in blocks:
        parts = block.split(b'"')
        for part in range(quoted, len(parts), 2):
            parts[part] = parts[part].replace(b"\n", b"\r\n")
        quoted ^= len(parts) % 2 == 0
        yield b'"'.join(parts)
