"""Published: what BI reads. Written beside, audited before, shown in one switch.

    published/versions/<version>/<table>.parquet     one version of one day; <version> = <day.key>,key=<8 hex>
                                 csv/<table>.csv     the same for Excel (UTF-8 with BOM, CRLF)
                                 manifest.json       what is in it: rows, hashes, descriptions
    published/days/<day.key>.json                    {"version": …}: the version last published for that day
    published/memory/<memory>/…                      what is told of all days until one, laid out as a version
    published/bi.duckdb                              the tables BI sees, of both, with their comments
    published/current -> versions/<version>          the version BI sees, as Parquet
    published/current_memory -> memory/<memory>      the memory until the day of that version, as Parquet
    published/current.json                           which one that is; written last
    published/pin.json                               only while an operator holds BI at a version

BI sees the greatest (as_of, known_on) that was published, or the pinned version. That is a function of what
is there, never of the order in which it came: a backfill of an older day is stored and moves nothing but the
memory, which is of all days until the one BI sees.

Kill it anywhere and publish again: the end is the same. A version takes its name in one rename, when it is
whole. Which version BI should see is derived anew each time, and `.switching` lies there from before the
first of the pointers (bi.duckdb, current, current_memory, current.json) moves until after the last has, so
an interrupted switch is always seen and done again. One process at a time publishes, by a lock the kernel
drops with the process; whatever is half made once the lock is held is therefore a dead process's, and goes.
It lies in `.work/`, beside versions/ and not in it: DuckDB's `versions/*/rfm.parquet` finds hidden folders.

Readers take no lock. A reader with bi.duckdb open keeps the file it opened, and sees the new one when it
opens it again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol, TextIO

from storage import csv_copies, edition
from storage import lake as place
from storage.lake import Day
from storage.reading.row_checks import literal, quoted

log = logging.getLogger(__name__)

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


class Memory(Protocol):
    """Who can tell what happened between days; asked while nobody else publishes."""

    def remember(self) -> None:
        """Take the day that is being published into what is remembered."""

    def put(self, as_of: date) -> str:
        """Have what is told of the days until `as_of` lie in published/memory; return its name there."""


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
    memory: Memory | None = None,
) -> dict[str, Any]:
    """Show the audited tables of a day: every `<table>.parquet` in `marts`, the `extra` ones and `manifest`.

    `extra` is table → Parquet file, `files` is name → any other file to lie beside the tables (its bytes too
    must depend on the day alone); `without` names marts that stay inside. `descriptions` is table →
    {"description": …, "columns": {column → …}} and becomes the comments of the BI file; what it says of other
    tables and columns is passed over.

    `memory` is asked for what is told of the days until the one BI sees, which is shown with that version in
    the same switch; without it BI keeps what it has, as long as it sees the same day.

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
            csv_copies.write_csvs(staged)
        for beside, path in (files or {}).items():
            place.put(path, staged / beside, link=False)
        tables = _write_contents(staged, name, day, facts, {"manifest": _OWN} | dict(descriptions or {}))
        if memory is not None:
            memory.remember()
        state = edition.put_in_place(staged, root / "versions" / name)
        _point(root / "days" / f"{day.key}.json", name)
        shown, moved = _switch(root, memory)
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
        (pq.read_metadata(path), edition.sha256(path)) for path in map(staged.joinpath, map(_parquet, paths))
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


def _write_contents(
    staged: Path, version: str, day: Day, facts: Facts, descriptions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Write manifest.json, last: what the version holds; return its tables."""
    tables = edition.tables(staged, descriptions)
    contents = {
        "version": version,
        "as_of": day.as_of.isoformat(),
        "known_on": day.known_on.isoformat(),
        "settings_hash": facts.settings_hash,
        "dictionary_hash": facts.dictionary_hash,
        "cutpoint_version": facts.cutpoint_version,
        "tables": tables,
        "files": edition.files(staged),
    }
    place.write_json(staged / "manifest.json", contents)
    return tables


_OWN = {
    "description": "One row per table of the published version but this one: what it holds, and from what.",
    "columns": {name: meaning for name, (_, meaning) in MANIFEST.items()},
}


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
        if damaged := edition.damaged(folder):
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
            edition.put_in_place(staged, folder)
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
            told["sha256"][row] = edition.sha256(staged / f"{table}.parquet")
    types = {name: kind for name, (kind, _) in MANIFEST.items()}
    place.write_parquet(
        staged / "manifest.parquet", [pa.table(told, schema=manifest.schema)], types, key="table_name"
    )
    if (staged / "csv").is_dir():
        csv_copies.write_csvs(staged)
    contents = edition.contents(staged)
    for table, rows in taken.items():
        contents["tables"][table]["rows"] -= rows
    contents["files"] = {file: edition.sha256(staged / file) for file in contents["files"]}
    contents["erasures"] = contents.get("erasures", 0) + 1
    place.write_json(staged / "manifest.json", contents)


def sources_of(lake: Path, name: str) -> list[str]:
    """The sources a published version was made from."""
    import pyarrow.parquet as pq

    told = pq.read_table(lake / "published" / "versions" / name / "manifest.parquet", columns=["sources"])
    return told.column("sources")[0].as_py().split(",") if told.num_rows else []


# --- what BI sees ------------------------------------------------------------------------------------------


def rollback(lake: Path, to: date | str | None = None, memory: Memory | None = None) -> dict[str, Any]:
    """Hold BI at an older version until `unpin`: the last one published for the day before, or `to`.

    What `memory` tells of the days ends with that version's. `to` is an as_of (as it was known last) or the
    full name of a version. Returns what `current` returns.
    Raises NothingPublished when there is no such version, VersionDamaged when its bytes are not its own.
    """
    root = lake / "published"
    with _alone(root):
        name = _wanted(lake, to)
        if memory is not None:
            memory.put(_day_of(name).as_of)  # what cannot be told there must not pin BI either
        place.write_json(root / "pin.json", {"version": name})
        shown, _ = _switch(root, memory)
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


def unpin(lake: Path, memory: Memory | None = None) -> dict[str, Any]:
    """Let BI follow the greatest published day again; returns what `current` returns.

    Raises NothingPublished when there is no version at all.
    """
    root = lake / "published"
    with _alone(root):
        (root / "pin.json").unlink(missing_ok=True)
        place.sync(root)
        shown, _ = _switch(root, memory)
    log.info("BI is not pinned; it sees %s", shown["version"])
    return shown


def _switch(root: Path, memory: Memory | None = None) -> tuple[dict[str, Any], bool]:
    """Let BI see the version it should; return what current.json says, and whether bi.duckdb is new."""
    pinned = _pointed(root / "pin.json")
    name = pinned or next(reversed(_days(root.parent).values()), None)
    if name is None or not (root / "versions" / name).is_dir():
        msg = f"BI should see {name or 'the greatest day'}, but it is not in {root / 'versions'}"
        raise NothingPublished(msg)
    as_of = _day_of(name).as_of
    shown = current(root.parent) or {}
    told = memory.put(as_of) if memory is not None else shown.get("memory")
    if memory is None and shown.get("as_of") != as_of.isoformat():
        told = None  # it would tell BI of days after the one it sees
    folders = {"versions": root / "versions" / name} | ({"memory": root / "memory" / told} if told else {})
    wanted = {
        "version": name,
        "as_of": as_of.isoformat(),
        "known_on": _day_of(name).known_on.isoformat(),
        "pinned": pinned is not None,
        "manifest_sha256": edition.sha256(folders["versions"] / "manifest.json"),
    }
    if told:
        before = shown.get("memory_before") if told == shown.get("memory") else shown.get("memory")
        told_sha256 = edition.sha256(folders["memory"] / "manifest.json")
        wanted |= {"memory": told, "memory_sha256": told_sha256, "memory_before": before}
    unfinished = root / ".switching"
    links = {root / "current": name, root / "current_memory": told}
    whole = (
        not unfinished.exists()
        and (root / "bi.duckdb").exists()
        and all(_linked(link) == target for link, target in links.items())
    )
    if whole and shown == wanted:
        _forget(root, {told, wanted.get("memory_before")})
        return wanted, False
    moves = not whole or {**shown, "pinned": wanted["pinned"]} != wanted
    place.write_json(unfinished, {"version": name})
    if moves:
        _build_bi(folders.values(), root / "bi.duckdb")
        _link(root / "current", Path("versions") / name)
        if told:
            _link(root / "current_memory", Path("memory") / told)
        else:
            (root / "current_memory").unlink(missing_ok=True)
    place.write_json(root / "current.json", wanted)
    unfinished.unlink()
    _forget(root, {told, wanted.get("memory_before")})
    return wanted, moves


def _forget(root: Path, needed: Collection[str | None]) -> None:
    """Let go of every memory but the ones BI sees and saw until now: a reader may still be at it."""
    for folder in (root / "memory").glob("as_of=*"):
        if folder.name not in needed:
            (root / ".work").mkdir(exist_ok=True)
            os.replace(folder, root / ".work" / f"forgotten-{folder.name}")


def _build_bi(folders: Iterable[Path], path: Path) -> None:
    """Make the BI file of some editions, their tables in the Parquet's order, and put it at `path`."""
    import duckdb

    with place.replacing(path) as temporary, duckdb.connect(str(temporary)) as connection:
        for folder in folders:
            if damaged := edition.damaged(folder):
                changed = ", ".join(sorted(damaged))
                msg = f"{folder} was changed after publishing: {changed}; publish the day again"
                raise VersionDamaged(msg)
            for table, about in edition.contents(folder)["tables"].items():
                source = literal(folder / f"{table}.parquet")
                connection.execute(f"create table {quoted(table)} as select * from read_parquet({source})")
                if about["description"]:
                    connection.execute(f"comment on table {quoted(table)} is {literal(about['description'])}")
                for column, meaning in about["columns"].items():
                    if meaning:
                        target = f"{quoted(table)}.{quoted(column)}"
                        connection.execute(f"comment on column {target} is {literal(meaning)}")
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
    """What BI sees: {"version", "as_of", "known_on", "pinned", "manifest_sha256"}; None before any.

    Where there is a memory, {"memory", "memory_sha256", "memory_before": the one seen until then} as well.
    """
    try:
        return json.loads((lake / "published" / "current.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def visible_with(lake: Path, day: Day) -> date:
    """The as_of BI sees once `day` is published, too: that of the pin, or the greatest."""
    pinned = _pointed(lake / "published" / "pin.json")
    shown = [*_days(lake), day]
    return _day_of(pinned).as_of if pinned else max(each.as_of for each in shown)


def current_memory(lake: Path) -> Path | None:
    """The folder of the memory BI sees, if there is one."""
    told = (current(lake) or {}).get("memory")
    return lake / "published" / "memory" / told if told else None


def alone(lake: Path) -> AbstractContextManager[Path]:
    """Hold what BI sees while nobody else publishes; gives a folder to work in that is empty and goes."""
    return _alone(lake / "published")


def switch(lake: Path) -> dict[str, Any]:
    """Show BI what lies in place now; to be called while `alone`. Returns what `current` returns."""
    return _switch(lake / "published")[0]


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
