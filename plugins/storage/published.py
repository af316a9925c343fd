"""Published: what BI reads. Written beside, audited before, shown in one switch.

    published/versions/<version>/<table>.parquet     one version of one day; <version> = <day.key>,key=<8 hex>
                                 csv/<table>.csv     the same for Excel (UTF-8 with BOM, CRLF)
                                 manifest.json       what is in it: rows, hashes, descriptions
    published/days/<day.key>.json                    {"version": …}: the version last published for that day
    published/bi.duckdb                              the tables of the version BI sees, with their comments
    published/current -> versions/<version>          the same version as Parquet
    published/current.json                           which one that is; written last
    published/pin.json                               only while an operator holds BI at a version

BI sees the greatest (as_of, known_on) that was published, or the pinned version. That is a function of what
is there, never of the order in which it came: a backfill of an older day is stored and moves nothing.

Kill it anywhere and publish again: the end is the same. A version takes its name in one rename, when it is
whole. Which version BI should see is derived anew each time, and `.switching` lies there from before the
first of the three pointers (bi.duckdb, current, current.json) moves until after the last has, so an
interrupted switch is always seen and done again. One process at a time publishes, by a lock the kernel drops
with the process; whatever is half made once the lock is held is therefore a dead process's, and goes. It lies
in `.work/`, beside versions/ and not in it: DuckDB's `versions/*/rfm.parquet` finds hidden folders, too.

Readers take no lock. A reader with bi.duckdb open keeps the file it opened, and sees the new one when it
opens it again.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from storage import lake as place
from storage.lake import Day

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

CSV_ROWS = 1_048_575  # rows an Excel sheet holds below its header; a longer table has no CSV
LOCK_SECONDS = 600  # of waiting for another publisher, who takes seconds, or minutes for millions of rows
_LOCK_POLL_SECONDS = 0.1

MANIFEST = {
    "as_of": ("date", "The day: every event before it counts, none from it on."),
    "known_on": ("date", "The last delivery day that was seen; as_of unless the day was stated again later."),
    "table_name": ("varchar", "A table of this version."),
    "rows": ("bigint", "Its rows."),
    "columns": ("bigint", "Its columns."),
    "sha256": ("varchar", "SHA-256 of its Parquet file."),
    "settings_hash": ("varchar", "SHA-256 of the settings that change what a number means."),
    "dictionary_hash": ("varchar", "SHA-256 of the dictionary: labels, definitions, reasons, actions."),
    "cutpoint_version": ("varchar", "The cut-points that were in force on the day."),
    "data_through": ("date", "The last day whose events count: the day before as_of."),
    "sources": ("varchar", "The enabled sources, comma-separated."),
    "simulated_extracts": ("varchar", "Extracts a generator made, as source.extract, comma-separated."),
}
"""Column → type and meaning of the table `manifest`: one row per other table of the version."""


class NothingPublished(FileNotFoundError):
    """What was asked for is not published."""


class PublishingHeld(TimeoutError):
    """Another process kept publishing for longer than anybody waits; the message names it."""


class VersionDamaged(ValueError):
    """A published file is not the one its manifest names."""


@dataclass(frozen=True)
class Facts:
    """What the manifest says of a day beside its tables: functions of the day, the settings and the seeds."""

    settings_hash: str
    dictionary_hash: str
    cutpoint_version: str
    sources: tuple[str, ...]
    simulated_extracts: tuple[str, ...] = ()


def version_name(day: Day, settings_hash: str, dictionary_hash: str) -> str:
    """The version of a day under these settings and this dictionary; both make its 8 hex digits."""
    key = hashlib.sha256(f"{settings_hash}\n{dictionary_hash}".encode()).hexdigest()[:8]
    return f"{day.key},key={key}"


# --- publishing --------------------------------------------------------------------------------------------


def publish(
    lake: Path,
    marts: Path,
    day: Day,
    facts: Facts,
    *,
    extra: Mapping[str, Path] | None = None,
    files: Mapping[str, Path] | None = None,
    without: Collection[str] = (),
    descriptions: Mapping[str, Mapping[str, Any]] | None = None,
    csv: bool = True,
    keep: int = 30,
) -> dict[str, Any]:
    """Show the audited tables of a day: every `<table>.parquet` in `marts`, the `extra` ones and `manifest`.

    `extra` is table → Parquet file, `files` is name → any other file to lie beside the tables (its bytes too
    must depend on the day alone); `without` names marts that stay inside. `descriptions` is table →
    {"description": …, "columns": {column → …}} and becomes the comments of the BI file; what it says of other
    tables and columns is passed over.

    The `keep` newest as_of stay, the version BI sees, and the one published by this very call: an older day
    that was asked for can be read until the next publish.

    Returns {"version", "state": "new" | "unchanged" | "replaced", "bi": the version BI sees now,
    "moved": whether bi.duckdb was made anew, "pinned", "tables", "rows", "removed": [versions]}. Publishing
    equal tables again changes no file. Other bytes under the same version replace it in one step.

    Raises ValueError when there is no table, or two of a name, and PublishingHeld when another process has
    been publishing for LOCK_SECONDS.
    """
    root = lake / "published"
    name = version_name(day, facts.settings_hash, facts.dictionary_hash)
    paths = _tables(marts, extra or {}, without)
    with _alone(root) as work:
        staged = work / name
        _write_tables(staged, day, facts, paths)
        if csv:
            _write_csvs(staged)
        for beside, path in (files or {}).items():
            place.put(path, staged / beside, link=False)
        tables = _write_contents(staged, name, day, facts, {"manifest": _OWN} | dict(descriptions or {}))
        state = _put_in_place(staged, root / "versions" / name)
        _point(root / "days" / f"{day.key}.json", name)
        shown, moved = _switch(root)
        removed = _retire(root, work, keep, {name, shown["version"]})
    log.info("published %s (%s), %s tables; BI sees %s", name, state, len(tables), shown["version"])
    return {
        "version": name,
        "state": state,
        "bi": shown["version"],
        "moved": moved,
        "pinned": shown["pinned"],
        "tables": len(tables),
        "rows": sum(table["rows"] for table in tables.values()),
        "removed": removed,
    }


@contextmanager
def _alone(root: Path) -> Iterator[Path]:
    """Hold the lock of `root`, waiting for whoever has it; yield a folder to work in that is empty and goes.

    While it is held, the lock's file says by whom. `flock`, not `lockf`: a POSIX lock would be lost as soon
    as anything in this process closed the file.
    """
    (root / "versions").mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("a+", encoding="utf-8") as file:
        _take_lock(file)
        work = root / ".work"
        try:
            for leftover in [work, *root.glob(".*.tmp*"), *(root / "days").glob(".*.tmp*")]:
                _remove(leftover)
            yield work
        finally:
            _remove(work)
            file.truncate(0)


def _take_lock(file: TextIO) -> None:
    """Lock the file and write into it who has it; PublishingHeld when it cannot be had in LOCK_SECONDS."""
    deadline = time.monotonic() + LOCK_SECONDS
    waiting = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            file.seek(0)
            holder = file.read() or "another process"
            if time.monotonic() >= deadline:
                msg = f"{file.name} is still held by {holder}, which publishes, after {LOCK_SECONDS} s"
                raise PublishingHeld(msg) from None
        if not waiting:
            log.info("%s is publishing; waiting for it", holder)
        waiting = True
        time.sleep(_LOCK_POLL_SECONDS)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _tables(marts: Path, extra: Mapping[str, Path], without: Collection[str]) -> dict[str, Path]:
    """Table → its Parquet file, sorted by name; ValueError when there is none or a name is taken twice."""
    built = {path.stem: path for path in marts.glob("*.parquet") if path.stem not in without}
    twice = (built.keys() & extra.keys()) | ({"manifest"} & (built.keys() | extra.keys()))
    if twice:
        msg = f"{', '.join(sorted(twice))}: two tables of a name, from {marts}, the extra ones and manifest"
        raise ValueError(msg)
    if not built:
        msg = f"no table was built in {marts}: there is nothing to publish"
        raise ValueError(msg)
    return dict(sorted({**built, **extra}.items()))


def _write_tables(staged: Path, day: Day, facts: Facts, paths: Mapping[str, Path]) -> None:
    """Copy every table and write `manifest`, one row for each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for table, path in paths.items():
        # Copied, not linked: a later build that wrote into the run's file would change what is published.
        place.put(path, staged / f"{table}.parquet", link=False)
    measured = [
        (pq.read_metadata(path), _sha256(path)) for path in map(staged.joinpath, map(_parquet, paths))
    ]
    rows = {
        "as_of": day.as_of,
        "known_on": day.known_on,
        "table_name": list(paths),
        "rows": [meta.num_rows for meta, _ in measured],
        "columns": [meta.num_columns for meta, _ in measured],
        "sha256": [sha256 for _, sha256 in measured],
        "settings_hash": facts.settings_hash,
        "dictionary_hash": facts.dictionary_hash,
        "cutpoint_version": facts.cutpoint_version,
        "data_through": day.as_of - timedelta(days=1),
        "sources": ",".join(sorted(facts.sources)),
        "simulated_extracts": ",".join(sorted(facts.simulated_extracts)),
    }
    columns = {
        name: value if isinstance(value, list) else [value] * len(paths) for name, value in rows.items()
    }
    types = {name: kind for name, (kind, _) in MANIFEST.items()}
    place.write_parquet(staged / "manifest.parquet", [pa.table(columns)], types, key="table_name")


def _parquet(table: str) -> str:
    return f"{table}.parquet"


def _write_csvs(staged: Path) -> None:
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
                rows = f"read_parquet({_text(table)})"
                connection.execute(
                    f"copy (select {_guarded(connection, rows)} from {rows}) to {_text(plain)}"
                    " (format csv, header, delimiter ',')"
                )
                with plain.open("rb") as source, temporary.open("wb") as target:
                    target.write(b"\xef\xbb\xbf")
                    target.writelines(_with_crlf(iter(lambda file=source: file.read(1 << 20), b"")))
                plain.unlink()


def _guarded(connection: DuckDBPyConnection, rows: str) -> str:
    """The columns of `rows` to select, an apostrophe before every text Excel would take for a formula."""
    described = connection.execute(f"describe select * from {rows}").fetchall()
    texts = [_name(column) for column, kind, *_ in described if kind == "VARCHAR"]
    starts = "('=', '+', '-', '@', chr(9), chr(10), chr(13))"
    marks = [f"if(left({text}, 1) in {starts}, chr(39) || {text}, {text}) as {text}" for text in texts]
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


def _write_contents(
    staged: Path, version: str, day: Day, facts: Facts, descriptions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Write manifest.json, last: what the version holds; return its tables."""
    import pyarrow.parquet as pq

    tables = {}
    for path in sorted(staged.glob("*.parquet")):
        meta = pq.read_metadata(path)
        said = descriptions.get(path.stem, {})
        meanings = said.get("columns", {})
        tables[path.stem] = {
            "rows": meta.num_rows,
            "description": said.get("description", ""),
            "columns": {name: meanings.get(name, "") for name in meta.schema.to_arrow_schema().names},
        }
    files = {str(path.relative_to(staged)): _sha256(path) for path in staged.rglob("*") if path.is_file()}
    contents = {
        "version": version,
        "as_of": day.as_of.isoformat(),
        "known_on": day.known_on.isoformat(),
        "settings_hash": facts.settings_hash,
        "dictionary_hash": facts.dictionary_hash,
        "cutpoint_version": facts.cutpoint_version,
        "tables": tables,
        "files": files,
    }
    place.write_json(staged / "manifest.json", contents)
    return tables


_OWN = {
    "description": "One row per table of the published version but this one: what it holds, and from what.",
    "columns": {name: meaning for name, (_, meaning) in MANIFEST.items()},
}


def _put_in_place(staged: Path, folder: Path) -> str:
    """Give a whole version its name: "new", "replaced", or "unchanged" when these very bytes are there."""
    if not folder.exists():
        os.replace(staged, folder)
        state = "new"
    elif not _damaged(folder) and _contents(folder) == _contents(staged):
        return "unchanged"
    else:
        _exchange(staged, folder)
        state = "replaced"
    place.sync(folder.parent)
    return state


def _exchange(staged: Path, folder: Path) -> None:
    """Swap two folders' names in one step, so that a reader finds the old version or the new one.

    `os.replace` cannot put a folder over one that is not empty; Linux's renameat2 can swap them. Where that
    is missing, the name is gone for the moment between two renames.
    """
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of <fcntl.h>
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if rename(here, os.fsencode(staged), here, os.fsencode(folder), exchange) == 0:
            return
        if ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    os.replace(folder, staged.with_name("replaced"))
    os.replace(staged, folder)


def _contents(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def _damaged(folder: Path) -> list[str]:
    """The files of a version that are missing or not those its manifest names."""
    if not (folder / "manifest.json").is_file():
        return ["manifest.json"]
    files = _contents(folder)["files"].items()
    return [
        name for name, sha256 in files if not (folder / name).is_file() or _sha256(folder / name) != sha256
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(value: object) -> str:
    """A value as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def _name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _point(pointer: Path, name: str) -> None:
    """Write a pointer to a version unless it says so already."""
    if _pointed(pointer) != name:
        place.write_json(pointer, {"version": name})


def _pointed(pointer: Path) -> str | None:
    try:
        return json.loads(pointer.read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        return None


def _retire(root: Path, work: Path, keep: int, needed: Collection[str]) -> list[str]:
    """Let go the versions of all but the `keep` newest as_of and those `needed`; return their names."""
    names = {name: _day_of(name) for name in versions(root.parent)}
    kept = sorted({day.as_of for day in names.values()})[-keep:]
    retired = [name for name, day in names.items() if day.as_of not in kept and name not in needed]
    for name in retired:
        pointer = root / "days" / f"{names[name].key}.json"
        if _pointed(pointer) == name:
            pointer.unlink()
        work.mkdir(exist_ok=True)
        os.replace(root / "versions" / name, work / f"retired-{name}")
    return retired


def without_rows(lake: Path, name: str, take_out: Callable[[Path], int]) -> dict[str, int]:
    """Take rows out of a published version, as an erasure does; return table → how many, if any.

    `take_out` does it to one Parquet file and returns how many rows it took. The CSV copies and the manifest
    follow, manifest.json counts the `erasures`; the version is replaced in one step, and then what BI sees.

    Raises VersionDamaged when the version is not the one that was published.
    """
    root = lake / "published"
    folder = root / "versions" / name
    with _alone(root) as work:
        if damaged := _damaged(folder):
            msg = (
                f"{folder} was changed after publishing: {', '.join(sorted(damaged))}; publish the day again"
            )
            raise VersionDamaged(msg)
        staged = work / name
        shutil.copytree(folder, staged)
        tables = sorted(path for path in staged.glob("*.parquet") if path.stem != "manifest")
        taken = {path.stem: rows for path in tables if (rows := take_out(path))}
        if taken:
            _restate(staged, taken)
            _put_in_place(staged, folder)
        _switch(root)
    return taken


def _restate(staged: Path, taken: Mapping[str, int]) -> None:
    """Have the manifest and the CSVs of a version say what its tables hold now."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    manifest = pq.read_table(staged / "manifest.parquet")
    told = manifest.to_pydict()
    for row, table in enumerate(told["table_name"]):
        if table in taken:
            told["rows"][row] -= taken[table]
            told["sha256"][row] = _sha256(staged / f"{table}.parquet")
    types = {name: kind for name, (kind, _) in MANIFEST.items()}
    place.write_parquet(
        staged / "manifest.parquet", [pa.table(told, schema=manifest.schema)], types, key="table_name"
    )
    if (staged / "csv").is_dir():
        _write_csvs(staged)
    contents = _contents(staged)
    for table, rows in taken.items():
        contents["tables"][table]["rows"] -= rows
    contents["files"] = {file: _sha256(staged / file) for file in contents["files"]}
    contents["erasures"] = contents.get("erasures", 0) + 1
    place.write_json(staged / "manifest.json", contents)


def sources_of(lake: Path, name: str) -> list[str]:
    """The sources a published version was made from."""
    import pyarrow.parquet as pq

    told = pq.read_table(lake / "published" / "versions" / name / "manifest.parquet", columns=["sources"])
    return told.column("sources")[0].as_py().split(",") if told.num_rows else []


# --- what BI sees ------------------------------------------------------------------------------------------


def rollback(lake: Path, to: date | str | None = None) -> dict[str, Any]:
    """Hold BI at an older version until `unpin`: the last one published for the day before, or `to`.

    `to` is an as_of (as it was known last) or the full name of a version. Returns what `current` returns.
    Raises NothingPublished when there is no such version, VersionDamaged when its bytes are not its own.
    """
    root = lake / "published"
    with _alone(root):
        name = _wanted(lake, to)
        place.write_json(root / "pin.json", {"version": name})
        shown, _ = _switch(root)
    log.info("BI is pinned to %s", name)
    return shown


def _wanted(lake: Path, to: date | str | None) -> str:
    days = _days(lake)
    if isinstance(to, str):
        found = [name for name in versions(lake) if name == to]
    elif to is not None:
        found = [name for day, name in days.items() if day.as_of == to]
    else:
        shown = current(lake)
        found = [name for day, name in days.items() if shown and day < _day_of(shown["version"])]
    if not found:
        wanted = to or "before the version BI sees"
        msg = f"nothing is published {wanted}; there are: {', '.join(versions(lake)) or 'none'}"
        raise NothingPublished(msg)
    return found[-1]


def unpin(lake: Path) -> dict[str, Any]:
    """Let BI follow the greatest published day again; returns what `current` returns.

    Raises NothingPublished when there is no version at all.
    """
    root = lake / "published"
    with _alone(root):
        (root / "pin.json").unlink(missing_ok=True)
        place.sync(root)
        shown, _ = _switch(root)
    log.info("BI is not pinned; it sees %s", shown["version"])
    return shown


def _switch(root: Path) -> tuple[dict[str, Any], bool]:
    """Let BI see the version it should; return what current.json says, and whether bi.duckdb is new."""
    pinned = _pointed(root / "pin.json")
    name = pinned or next(reversed(_days(root.parent).values()), None)
    if name is None or not (root / "versions" / name).is_dir():
        msg = f"BI should see {name or 'the greatest day'}, but it is not in {root / 'versions'}"
        raise NothingPublished(msg)
    folder = root / "versions" / name
    wanted = {
        "version": name,
        "as_of": _day_of(name).as_of.isoformat(),
        "known_on": _day_of(name).known_on.isoformat(),
        "pinned": pinned is not None,
        "manifest_sha256": _sha256(folder / "manifest.json"),
    }
    shown = current(root.parent) or {}
    unfinished = root / ".switching"
    whole = not unfinished.exists() and (root / "bi.duckdb").exists() and _linked(root / "current") == name
    if whole and shown == wanted:
        return wanted, False
    moves = not whole or {**shown, "pinned": wanted["pinned"]} != wanted
    place.write_json(unfinished, {"version": name})
    if moves:
        _build_bi(folder, root / "bi.duckdb")
        _link(root / "current", Path("versions") / name)
    place.write_json(root / "current.json", wanted)
    unfinished.unlink()
    return wanted, moves


def _build_bi(folder: Path, path: Path) -> None:
    """Make the BI file of a version beside `path`, its tables in the Parquet's order, and put it in place."""
    import duckdb

    damaged = _damaged(folder)
    if damaged:
        msg = f"{folder} was changed after publishing: {', '.join(sorted(damaged))}; publish the day again"
        raise VersionDamaged(msg)
    with place.replacing(path) as temporary, duckdb.connect(str(temporary)) as connection:
        for table, about in _contents(folder)["tables"].items():
            source = _text(folder / f"{table}.parquet")
            connection.execute(f"create table {_name(table)} as select * from read_parquet({source})")
            if about["description"]:
                connection.execute(f"comment on table {_name(table)} is {_text(about['description'])}")
            for column, meaning in about["columns"].items():
                if meaning:
                    target = f"{_name(table)}.{_name(column)}"
                    connection.execute(f"comment on column {target} is {_text(meaning)}")
        connection.execute("checkpoint")


def _link(link: Path, target: Path) -> None:
    temporary = place.temporary_name(link)
    temporary.symlink_to(target)
    os.replace(temporary, link)
    place.sync(link.parent)


def _linked(link: Path) -> str | None:
    return link.readlink().name if link.is_symlink() else None


# --- reading -----------------------------------------------------------------------------------------------

_VERSION = re.compile(r"as_of=(\d{4}-\d\d-\d\d)(?:,known_on=(\d{4}-\d\d-\d\d))?,key=[0-9a-f]{8}")


def _day_of(name: str) -> Day:
    as_of, known_on = _VERSION.fullmatch(name).groups()
    return Day.of(date.fromisoformat(as_of), date.fromisoformat(known_on) if known_on else None)


def versions(lake: Path) -> list[str]:
    """The names of all published versions, sorted by day; of one day by key."""
    found = (lake / "published" / "versions").glob("as_of=*")
    names = (path.name for path in found if _VERSION.fullmatch(path.name))
    return sorted(names, key=lambda name: (_day_of(name), name))


def _days(lake: Path) -> dict[Day, str]:
    """Published day → the version last published for it, in ascending order of the days."""
    found = (_pointed(path) for path in (lake / "published" / "days").glob("as_of=*.json"))
    there = (name for name in found if name and (lake / "published" / "versions" / name).is_dir())
    return {_day_of(name): name for name in sorted(there, key=_day_of)}


def seen_until(lake: Path) -> date | None:
    """The last delivery day any published version has seen; None before the first."""
    return max((_day_of(name).known_on for name in versions(lake)), default=None)


def newest(lake: Path) -> date | None:
    """The greatest as_of of any published version; None before the first."""
    return max((_day_of(name).as_of for name in versions(lake)), default=None)


def current(lake: Path) -> dict[str, Any] | None:
    """What BI sees: {"version", "as_of", "known_on", "pinned", "manifest_sha256"}; None before any."""
    try:
        return json.loads((lake / "published" / "current.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def current_folder(lake: Path) -> Path:
    """The folder of the version BI sees; NothingPublished before the first day."""
    shown = current(lake)
    if shown is None:
        raise NothingPublished(f"nothing is published in {lake / 'published'} yet")
    return lake / "published" / "versions" / shown["version"]


def version_of(lake: Path, day: Day) -> Path:
    """The folder of the version last published for `day`; NothingPublished when there is none."""
    name = _pointed(lake / "published" / "days" / f"{day.key}.json")
    folder = lake / "published" / "versions" / (name or "")
    if name is None or not folder.is_dir():
        msg = f"{day.key} is not published; there are: {', '.join(versions(lake)) or 'none'}"
        raise NothingPublished(msg)
    return folder


def previous(lake: Path, day: Day) -> Path | None:
    """The folder of the greatest published as_of before `day`, as it was known last, or None."""
    before = [name for other, name in _days(lake).items() if other.as_of < day.as_of]
    return lake / "published" / "versions" / before[-1] if before else None


def is_published(lake: Path, day: Day, settings_hash: str, dictionary_hash: str) -> bool:
    """Whether what was last published for `day` was made under these settings and this dictionary."""
    try:
        return version_of(lake, day).name == version_name(day, settings_hash, dictionary_hash)
    except NothingPublished:
        return False
