"""Erasure: one person taken out of everything below the lake, and the proof that nothing was left.

Layer by layer, each file replaced in one step; what an erasure that was killed has not done yet, the next try
does. The order is what makes that so: a landed file goes while raw still says who is in it.

    landing     files with the person in them go whole: the rows of everybody else are in raw
    quarantine  records the person's id stands in as a whole token
    raw         rows that name the person, and rows without a customer that name a thing of the person's;
    pending     all of it likewise, of runs that have not loaded it yet
    features    rows of the person, of every day
    scores      likewise, of every scheme
    history     likewise: where they were on every day, and how they moved
    runs        rows of the person; the working files of runs go: a day that was being built is built again
    published   rows of the person in every version and in the memory, with CSVs, manifests and the BI file

What was counted over many people (segment profiles, cut-points, reconciliation) stays as it was. Receipts
stay and say how many rows were taken, so the same bytes are known when they come again; a delivery of the
erasure's day or before never brings the person back, whenever it comes.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storage import erasures, history, lake, published, receipts, remembered_tables, search, upkeep
from storage.erasures import Erasure
from storage.reading import erased as whose
from storage.reading.erased import Erased
from storage.reading.row_checks import literal, quoted
from storage.rewriting import without_rows

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from storage.declaration import Extract, Source
    from storage.reading.pseudonym import HashKey
    from storage.receipts import Receipt

log = logging.getLogger(__name__)

_LINKS = {("published", "current"), ("published", "current_memory")}  # what they lead to is looked at itself


class PersonRemains(RuntimeError):
    """After an erasure the person is still somewhere; the message says where, never who."""


def erase(
    root: Path,
    source: Source,
    customer: str,
    day: date,
    key: HashKey,
    enabled: Sequence[str],
) -> Erasure:
    """Erase the customer of a source from the lake at `root`, and search everything afterwards.

    `day` is the last day of delivery that may not bring the person back. `enabled` are the settings' sources:
    with more than one, customers are published under the source's name. Returns the completed record.

    Raises PersonRemains when the search finds something, and ValueError for a blank id.
    """
    if not customer.strip():
        msg = f"the customer of {source.name} to be erased has a blank id"
        raise ValueError(msg)
    with upkeep.alone(root), _connection(key) as connection:
        work = _Work(root, source, customer.strip(), key, tuple(enabled), connection)
        record = work.begin(day)
        work.landing()
        work.quarantine()
        work.raw()
        work.features_scores_and_runs()
        work.published()
        found, searched = work.search()
        record = record.with_outcome(
            state="remains" if found else "done",
            counts=dict(sorted(work.counts.items())),
            files=tuple(sorted(work.files)),
            search={"found": len(found), "places": found, **searched},
        )
        record.write(root)
    log.info("erasure %d of %s for %s: %s", record.number, source.name, day, record.counts)
    if found:
        msg = f"erasure {record.number}: the person is still in {', '.join(found[:10])}"
        raise PersonRemains(msg)
    return record


def customers_with(root: Path, source: Source, normalise: str, value: str, key: HashKey) -> list[str]:
    """The customers of a source with this phone or e-mail (`normalise` says which), by its hash."""
    from storage.declaration import Column
    from storage.reading.pseudonym import expression

    found: set[str] = set()
    wanted = expression(Column("value", "varchar", privacy="personal", normalise=normalise), "$1")
    with _connection(key) as connection:
        for extract in source.extracts:
            columns = [column.name for column in extract.columns if column.normalise == normalise]
            files = _raw_files([root], source, extract)
            if not columns or not extract.customer_column or not files:
                continue
            for column in columns:
                rows = connection.execute(
                    f"select distinct trim(cast({quoted(extract.customer_column)} as varchar)) from "
                    f"{_reader(files)} where {quoted(column)} = {wanted}",
                    [value],
                ).fetchall()
                found |= {customer for (customer,) in rows if customer}
    return sorted(found)


def linked_customers(
    root: Path, source: Source, customer: str, others: Sequence[Source], key: HashKey
) -> list[tuple[Source, str]]:
    """The customers of other sources who share a phone number or an e-mail address with this one, by hash."""
    found: set[tuple[str, str]] = set()
    by_name = {other.name: other for other in others}
    with _connection(key) as connection:
        who = connection.execute(f"select {whose.customer_hash(source, '$1')}", [customer]).fetchone()[0]
        person = Erased(source.name, date.min, key.name, who)
        for extract, normalise, column in _joining(source):
            files = _raw_files([root], source, extract)
            condition = whose.names_person(source, extract, [person])
            if not files or condition == "false":
                continue
            mine = (
                f"select {quoted(column)} from {_reader(files)} where {condition} and {quoted(column)} <> ''"
            )
            for other in others:
                for theirs, kind, name in _joining(other):
                    there = _raw_files([root], other, theirs)
                    if kind != normalise or not theirs.customer_column or not there:
                        continue
                    rows = connection.execute(
                        f"select distinct trim(cast({quoted(theirs.customer_column)} as varchar)) from "
                        f"{_reader(there)} where {quoted(name)} in ({mine})"
                    ).fetchall()
                    found |= {(other.name, each) for (each,) in rows if each}
    return [(by_name[name], each) for name, each in sorted(found)]


def _joining(source: Source) -> Iterator[tuple[Extract, str, str]]:
    """The extracts and columns of a source that hold the hash of a phone number or an e-mail address."""
    for extract in source.extracts:
        for column in extract.columns:
            if column.is_hashed and column.normalise:
                yield extract, column.normalise, column.name


@contextmanager
def _connection(key: HashKey) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    with duckdb.connect(":memory:", config={"memory_limit": "1500MB"}) as connection:
        connection.execute("set timezone = 'UTC'")
        key.put_on(connection)
        yield connection


def _raw_files(roots: Iterable[Path], source: Source, extract: Extract) -> list[Path]:
    places = (root / "raw" / source.name / extract.name for root in roots)
    return [path for place in places for path in sorted(place.glob("delivered_on=*/*.parquet"))]


def _reader(files: Sequence[Path]) -> str:
    listed = ", ".join(literal(path) for path in files)
    return (
        f"read_parquet([{listed}], union_by_name = true, filename = 'from_file', hive_partitioning = false)"
    )


@dataclass
class _Work:
    """One erasure under way: where, whom, and what was taken so far."""

    lake: Path
    source: Source
    customer: str
    key: HashKey
    enabled: tuple[str, ...]
    connection: duckdb.DuckDBPyConnection
    counts: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    erased: Erased | None = None
    hashes: list[str] = field(default_factory=list)
    long_things: list[str] = field(default_factory=list)

    # --- who ---------------------------------------------------------------------------------------------

    def begin(self, day: date) -> Erasure:
        """Find out what is the person's, and record that they are being erased before anything is touched."""
        who = self._one(whose.customer_hash(self.source, "$1"))
        before = [each for each in erasures.read_all(self.lake) if each.erased.customer == who]
        open_one = next((each for each in before if each.state != "done"), None)
        numbers = [each.number for each in erasures.read_all(self.lake)]
        number = open_one.number if open_one else max(numbers, default=0) + 1
        self.erased = Erased(self.source.name, day, self.key.name, who)
        things = self._things(before)
        self.erased = replace(self.erased, things=things)
        self.counts.update(open_one.counts if open_one else {})
        record = Erasure(number, self.erased, counts=dict(self.counts))
        record.write(self.lake)
        return record

    def _one(self, expression: str) -> str:
        return self.connection.execute(f"select {expression}", [self.customer]).fetchone()[0]

    def _things(self, before: Sequence[Erasure]) -> dict[str, list[str]]:
        """Column → hashes of the person's things; those of an earlier try are not in raw any more."""
        found: dict[str, set[str]] = {}
        for each in before:
            for column, things in each.erased.things.items():
                found.setdefault(column, set()).update(things)
        personal: set[str] = set()
        names = whose.thing_columns(self.source)
        for extract in self.source.extracts:
            files = _raw_files(self._roots, self.source, extract)
            condition = whose.names_person(self.source, extract, [self.erased])
            if not files or condition == "false":
                continue
            columns = [column for column in names if column in extract.key]
            hashed = [column.name for column in extract.columns if column.is_hashed]
            if not columns and not hashed:
                continue
            for column in columns:
                rows = self.connection.execute(
                    f"select distinct {whose.thing_hash(self.source, column, quoted(column))}, "
                    f"trim(cast({quoted(column)} as varchar)) from {_reader(files)} where {condition}"
                ).fetchall()
                found.setdefault(column, set()).update(thing for thing, _ in rows if thing)
                self.long_things += [name for _, name in rows if name and search.is_distinctive(name)]
            for column in hashed:
                rows = self.connection.execute(
                    f"select distinct {quoted(column)} from {_reader(files)} where {condition}"
                ).fetchall()
                personal |= {value for (value,) in rows if value}
        self.hashes = sorted(personal)
        return {column: sorted(things) for column, things in sorted(found.items())}

    @property
    def _roots(self) -> list[Path]:
        """The lake, and what waits to be loaded into it."""
        return [self.lake, *sorted((self.lake / "runs").glob("*/pending"))]

    def _names(self, sources: Sequence[str]) -> list[str]:
        """What the person is called where these sources are published together."""
        plain = {self.customer, self._one(whose.spelled(self.source, "$1"))}
        if list(sources) == [self.source.name]:
            return sorted(plain)
        return sorted(f"{self.source.name}:{name}" for name in plain)

    @property
    def _everywhere(self) -> list[str]:
        """Every name the person may have had."""
        return sorted({*self._names(self.enabled), *self._names(("several",))})

    def _tables(self, *sources: Sequence[str]) -> search.Tables:
        names = sorted({name for each in sources for name in self._names(each)})
        return search.Tables(self.connection, names, self.hashes)

    @property
    def _token(self) -> re.Pattern[bytes]:
        return search.token([self.customer])

    # --- what was sent -----------------------------------------------------------------------------------

    def landing(self) -> None:
        """Remove the landed files the person is in, once they have been read."""
        for path, unread in self._landed_with_person():
            if not unread:
                path.unlink()
                self._took("landing_files", 1, path)

    def _landed_with_person(self) -> Iterator[tuple[Path, bool]]:
        """The landed files the person is in, and whether one waits to be read.

        Raw says who is in a file that was read. Bytes are looked into where nothing else tells (a file that
        was set aside, was not read, or whose quarantine has expired), and everywhere for an id that is no
        mere number.
        """
        deep = search.is_distinctive(self.customer)
        token = self._token
        for extract in self.source.extracts:
            known: dict[Path, list[Receipt]] = {}
            for receipt in receipts.read_all(self.lake, self.source.name, extract.name).values():
                known.setdefault(receipt.landed_path(self.lake), []).append(receipt)
            with_rows = {path.stem for path in self._raw_with_person(extract)}
            for path in sorted((self.lake / "landing" / self.source.name / extract.name).glob("*")):
                told = known.get(path, [])
                unread = bool(told) and all(each.status == "landed" for each in told)
                by_rows = any(each.content in with_rows for each in told)
                look = deep or unread or not told or any(self._says_too_little(each) for each in told)
                if by_rows or (look and self._is_in(path, token)):
                    yield path, unread

    def _says_too_little(self, receipt: Receipt) -> bool:
        """Whether rows of a delivery are neither in raw nor, with their bytes, in quarantine (any more)."""
        import pyarrow.parquet as pq

        path = receipt.quarantine_path(self.lake)
        if receipt.status not in {"accepted", "set_aside"} or not path.exists():
            return False
        originals = pq.read_table(path, columns=["original"]).column("original")
        held = len(originals) - originals.null_count
        return held < receipt.rows_quarantined or (receipt.status == "set_aside" and not held)

    def _is_in(self, path: Path, token: re.Pattern[bytes]) -> bool:
        if path.suffix == ".parquet":
            return self._tables((self.source.name,)).hold_anywhere(path)
        return search.is_in_file(path, token)

    def _raw_with_person(self, extract: Extract) -> list[Path]:
        """The files of raw, in the lake or waiting, with rows of the person."""
        from pathlib import Path

        files = _raw_files(self._roots, self.source, extract)
        found = {
            whose.names_person(self.source, extract, [self.erased]),
            whose.names_only_their_thing(self.source, extract, [self.erased]),
        } - {"false"}
        if not files or not found:
            return []
        condition = " or ".join(f"({each})" for each in sorted(found))
        rows = self.connection.execute(
            f"select distinct from_file from {_reader(files)} where {condition} order by 1"
        ).fetchall()
        return [Path(path) for (path,) in rows]

    def quarantine(self) -> None:
        """Take out the records whose bytes hold the person's id, or a long id of a thing of theirs."""
        for root in self._roots:
            for path in sorted((root / "quarantine" / self.source.name).glob("*/*/*.parquet")):
                found = self._quarantined(path)
                if not found:
                    continue
                reasons = Counter(reason for _, reason in found)
                places = ", ".join(str(position) for position, _ in found)
                without_rows(path, f"file_row_number in ({places})", self.connection)
                self._took("quarantine_rows", len(found), path)
                for receipt in self._receipts_of(root, path):
                    taken = sum(reasons.values())
                    by_reason = Counter(receipt.quarantined_by_reason) - reasons
                    self._restate(
                        root,
                        receipt.with_outcome(
                            rows_in=receipt.rows_in - taken,
                            rows_quarantined=receipt.rows_quarantined - taken,
                            rows_erased=receipt.rows_erased + taken,
                            quarantined_by_reason=dict(sorted(by_reason.items())),
                        ),
                    )

    def _quarantined(self, path: Path) -> list[tuple[int, str]]:
        """Position and reason of the records the person is in."""
        import pyarrow.parquet as pq

        token = search.token([self.customer, *self.long_things])
        rows = pq.ParquetFile(path).read(columns=["original", "reason"]).to_pydict()
        records = enumerate(zip(rows["original"], rows["reason"], strict=True))
        return [(place, reason) for place, (original, reason) in records if token.search(original or b"")]

    def _receipts_of(self, root: Path, path: Path) -> list[Receipt]:
        """The receipts of the deliveries whose rows a file of raw or quarantine holds."""
        extract, delivered_on = path.parent.parent.name, path.parent.name.removeprefix("delivered_on=")
        return [
            receipt
            for receipt in receipts.read_all(root, self.source.name, extract).values()
            if receipt.content == path.stem
            and receipt.delivered_on.isoformat() == delivered_on
            and receipt.status in {"accepted", "set_aside"}
        ]

    def _restate(self, root: Path, receipt: Receipt) -> None:
        lake.write_bytes(receipt.path(root), receipts.as_json(receipt))

    def raw(self) -> None:
        """Take the person's rows out of raw: those found by a thing of theirs, and those that name them."""
        for condition in (whose.names_only_their_thing, whose.names_person):
            for extract in self.source.extracts:
                where = condition(self.source, extract, [self.erased])
                if where == "false":
                    continue
                for path in self._raw_with_person(extract):
                    if rows := without_rows(path, where, self.connection):
                        self._took("raw_rows", rows, path)
        for root in self._roots:
            self._count_again(root)

    def _count_again(self, root: Path) -> None:
        """Have receipts say how many rows raw holds, also after a try that was killed before it said so."""
        import pyarrow.parquet as pq

        for extract in self.source.extracts:
            for receipt in receipts.read_all(root, self.source.name, extract.name).values():
                path = receipt.raw_path(root)
                if receipt.status != "accepted" or not path.exists():
                    continue
                taken = receipt.rows_raw - pq.read_metadata(path).num_rows
                if taken > 0:
                    self._restate(
                        root,
                        receipt.with_outcome(
                            rows_in=receipt.rows_in - taken,
                            rows_raw=receipt.rows_raw - taken,
                            rows_erased=receipt.rows_erased + taken,
                        ),
                    )

    # --- what was made of it -----------------------------------------------------------------------------

    def features_scores_and_runs(self) -> None:
        """Take the person's rows out of every day's features, scores, history and what runs left behind."""
        for path in sorted((self.lake / "features").glob("*/*.parquet")):
            self._take("feature_rows", path)
        for path in sorted((self.lake / "scores").glob("*/*.parquet")):
            self._take("score_rows", path)
        for path in sorted((self.lake / "history").glob("*/*.parquet")):
            self._take("history_rows", path)
        for run in sorted(path for path in (self.lake / "runs").glob("*") if path.is_dir()):
            for path in sorted(run.rglob("*.parquet")):
                if "pending" not in path.relative_to(run).parts:
                    self._take("run_rows", path)
            for path in sorted(run.rglob("*.duckdb*")):
                path.unlink()
                self._took("run_files", 1, path)

    @cached_property
    def _sources_of_versions(self) -> dict[str, list[str]]:
        return {name: published.sources_of(self.lake, name) for name in published.versions(self.lake)}

    def _sources_at(self, path: Path) -> Sequence[str]:
        """The sources a file was made from: its version's, its days', or else the settings'."""
        for name, sources in self._sources_of_versions.items():
            if name in path.parts or name.rpartition(",key=")[0] in (path.parent.name, path.stem):
                return sources
        return self.enabled

    def _tables_at(self, path: Path) -> search.Tables:
        """What finds the person in a file; the memory holds days that may be of other sources."""
        parts = path.relative_to(self.lake).parts
        if parts[0] == "history" or parts[:2] == ("published", "memory"):
            return self._tables(*(history.sources_of(self.lake, path) or [self.enabled]))
        return self._tables(self._sources_at(path))

    def _take(self, layer: str, path: Path) -> int:
        import pyarrow.parquet as pq

        condition = self._tables_at(path).names_person(pq.read_schema(path).names)
        rows = without_rows(path, condition, self.connection) if condition else 0
        if rows:
            self._took(layer, rows, path)
        return rows

    def published(self) -> None:
        """Take the person's rows out of every published version, and show BI the one it sees without them."""
        for name in published.versions(self.lake):
            tables = self._tables(self._sources_of_versions[name])
            taken = published.without_rows(
                self.lake, name, lambda path, tables=tables: self._without_person(path, tables)
            )
            if taken:
                self._took("published_rows", sum(taken.values()), self.lake / "published" / "versions" / name)
                self.counts["published_versions"] += 1
        memory = self.lake / "published" / "memory"
        told = self._tables_at(memory)
        taken = remembered_tables.without_rows(self.lake, lambda path: self._without_person(path, told))
        if taken:
            self._took("published_rows", sum(taken.values()), memory)

    def _without_person(self, path: Path, tables: search.Tables) -> int:
        import pyarrow.parquet as pq

        condition = tables.names_person(pq.read_schema(path).names)
        return without_rows(path, condition, self.connection) if condition else 0

    def _took(self, layer: str, count: int, path: Path) -> None:
        self.counts[layer] += count
        self.files.add(path.relative_to(self.lake).as_posix())

    # --- the proof ---------------------------------------------------------------------------------------

    def search(self) -> tuple[list[str], dict[str, Any]]:
        """The files the person, or a hash of theirs, is still in, and how many were looked at."""
        found: set[Path] = set()
        for extract in self.source.extracts:
            found.update(self._raw_with_person(extract))
        found.update(path for path, _ in self._landed_with_person())
        for root in self._roots:
            places = (root / "quarantine" / self.source.name).glob("*/*/*.parquet")
            found.update(path for path in places if self._quarantined(path))
        by_column, by_bytes = 0, 0
        names = [name for name in self._everywhere if search.is_distinctive(name)]
        token = search.token([*names, *self.hashes])
        for path in self._made_of_it():
            if path.suffix in {".parquet", ".duckdb", ".csv"}:
                by_column += 1
                found.update([path] if self._tables_at(path).are_in(path) else [])
            if path.suffix not in {".parquet", ".duckdb"}:
                by_bytes += 1
                found.update([path] if search.is_in_file(path, token) else [])
        places = sorted(path.relative_to(self.lake).as_posix() for path in found)
        return places, {"files_by_column": by_column, "files_by_bytes": by_bytes}

    def _made_of_it(self) -> Iterator[Path]:
        """Every file below the lake but those of landing, quarantine and raw, which are searched as such."""
        for path in sorted(self.lake.rglob("*")):
            parts = path.relative_to(self.lake).parts
            sent = {"landing", "raw", "quarantine"}
            if parts[0] in sent or (parts[0] == "runs" and "pending" in parts and sent & set(parts)):
                continue
            if path.is_file() and not path.is_symlink() and parts[:2] not in _LINKS:
                yield path
