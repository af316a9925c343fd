"""Searching files for one person: how an erasure finds what was sent, and proves itself.

An id is looked for as a whole token: with no letter, digit or underscore beside it. A `distinctive` id, long
enough to stand for nobody else by chance, is looked for in every byte; a short one (customer 12 of a small
shop) would be found in every amount, so it is looked for in the columns that name customers alone, and in
bytes only where nothing else tells what is in a file.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

from storage.reading import archive
from storage.reading.row_checks import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

# Columns that name customers in what the pipeline makes; of a source's own files the declaration says it.
NAMES = ("customer_id", "referrer_id", "referee_id", "source_customer_id")
FAILING_KEY = "key"  # of a gate's failing keys: the parts of a key with / between them

_SHORTEST = 8  # characters; a shorter id, or one of 6 that is no number, is no more than a number
_OVERLAP = 256  # bytes seen again with the next piece, so that no token is cut in two
_ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_ZIPPED = (".xlsx", ".zip")


def is_distinctive(text: str) -> bool:
    """Whether a text stands for nothing else by chance."""
    return len(text) >= _SHORTEST or (len(text) >= _SHORTEST - 2 and not text.isdigit())


def token(texts: Iterable[str]) -> re.Pattern[bytes]:
    """Any of these texts as a whole token, in the encodings files come in."""
    spellings = set()
    for text in filter(None, texts):
        for encoding in _ENCODINGS:
            zero = "\0".encode(encoding)
            beside = rb"[0-9A-Za-z_]" if len(zero) == 1 else _wide(zero, encoding)
            spellings.add(
                rb"(?<!" + beside + rb")" + re.escape(text.encode(encoding)) + rb"(?!" + beside + rb")"
            )
    return re.compile(b"|".join(sorted(spellings)) or rb"(?!)")


def _wide(zero: bytes, encoding: str) -> bytes:
    """A letter, digit or underscore in two bytes."""
    return rb"[0-9A-Za-z_]\x00" if encoding.endswith("le") else rb"\x00[0-9A-Za-z_]"


def is_in_file(path: Path, wanted: re.Pattern[bytes]) -> bool:
    """Whether a token stands in a file, packed or not; if it cannot be unpacked, in its bytes as they are."""
    try:
        return any(wanted.search(piece) for piece in _overlapping(_unpacked(path)))
    except (archive.ArchiveBroken, zipfile.BadZipFile, OSError, EOFError):
        return any(wanted.search(piece) for piece in _overlapping(_bytes(path)))


def _unpacked(path: Path) -> Iterator[bytes]:
    if path.suffix not in _ZIPPED:
        yield from archive.pieces(path)
        return
    with zipfile.ZipFile(path) as packed:
        for member in packed.infolist():
            with packed.open(member) as file:
                yield from iter(lambda file=file: file.read(1 << 20), b"")


def _bytes(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(1 << 20), b"")


def _overlapping(pieces: Iterable[bytes]) -> Iterator[bytes]:
    end = b""
    for piece in pieces:
        yield end + piece
        end = piece[-_OVERLAP:]


class Tables:
    """Searching Parquet and DuckDB files and published CSVs, through one connection.

    The names, hashes and token are variables of the connection: no statement holds them, so no error does.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, names: Sequence[str], hashes: Sequence[str] = ()
    ) -> None:
        self._connection = connection
        far = [name for name in names if is_distinctive(name)]
        letters = "|".join(re.escape(name) for name in far)
        pattern = f"(^|[^0-9A-Za-z_])({letters})([^0-9A-Za-z_]|$)" if far else ""
        for variable, value in (
            ("erased_names", list(names)),
            ("erased_hashes", list(hashes)),
            ("erased_token", pattern),
        ):
            connection.execute(f"set variable {variable} = ?", [value])
        self._deep = bool(far)

    def names_person(self, columns: Iterable[str]) -> str:
        """SQL: whether a row of a table with these columns names the person; "" if the table names nobody."""
        columns = list(columns)
        found = [
            f"list_contains(getvariable('erased_names')::varchar[], cast({quoted(name)} as varchar))"
            for name in columns
            if name in NAMES
        ]
        if {FAILING_KEY, "promise"} <= set(columns):
            parts = f"string_split({quoted(FAILING_KEY)}, '/')"
            found.append(f"list_has_any({parts}, getvariable('erased_names')::varchar[])")
        return " or ".join(f"coalesce({each}, false)" for each in found)

    def are_in(self, path: Path) -> bool:
        """Whether the person, or one of the hashes, is in a file of tables."""
        if path.suffix == ".duckdb":
            return self._in_database(path)
        reader = f"read_csv({literal(path)}, all_varchar = true)"
        if path.suffix == ".parquet":
            reader = f"read_parquet({literal(path)}, hive_partitioning = false)"
        return self._in(reader)

    def hold_anywhere(self, path: Path) -> bool:
        """Whether any value of any column of a Parquet file is the person's name; also of one cut short."""
        import duckdb

        rows = f"read_parquet({literal(path)}, hive_partitioning = false)"
        names = "list_contains(getvariable('erased_names')::varchar[], trim(cast(columns(*) as varchar)))"
        try:
            found = self._connection.execute(f"select {names} from {rows}")
            return any(any(row) for row in iter(found.fetchone, None))
        except duckdb.Error:
            return True  # nobody can tell, and it is of no use to anybody

    def _in_database(self, path: Path) -> bool:
        self._connection.execute(f"attach {literal(path)} as searched (read_only)")
        try:
            tables = self._connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'searched'"
            ).fetchall()
            return any(self._in(f"searched.{quoted(schema)}.{quoted(table)}") for schema, table in tables)
        finally:
            self._connection.execute("detach searched")

    def _in(self, rows: str) -> bool:
        described = self._connection.execute(f"describe select * from {rows}").fetchall()
        names = [name for name, *_ in described]
        found = [self.names_person(names)]
        for name, kind, *_ in described:
            if kind == "VARCHAR":
                found.append(f"list_contains(getvariable('erased_hashes')::varchar[], {quoted(name)})")
                if self._deep:
                    found.append(f"regexp_matches({quoted(name)}, getvariable('erased_token')::varchar)")
        condition = " or ".join(f"coalesce({each}, false)" for each in found if each)
        if not condition:
            return False
        answer = self._connection.execute(
            f"select count(*) from (select 1 from {rows} where {condition} limit 1)"
        )
        return answer.fetchone()[0] > 0
