"""History: who was in which segment on every day that published, and who moved from one such day to the next.

    history/days/as_of=<day>.json                        which file is the day's own, and its rules
    history/segments/as_of=<day>,key=<12 hex>.parquet    one row per customer: the segment of each scheme
    history/moves/as_of=<day>,key=<12 hex>.parquet       one row per customer and scheme that moved that day

A version of a day is a function of the day alone; what happened between days is not, so it is kept here, in
pieces that are: `segments` is a function of its day, `moves` of its day and the remembered day before it in
each scheme. The key of a file says what it was made from. A day that comes in between, or is replaced, asks
for other keys, so what must be made anew is what is not there under its key: in whatever order days come, the
same days end in the same files.

Only days as they were known on themselves are remembered. A day stated again with what came later is a
version beside; the memory tells what was told.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from storage import lake as place
from storage.lake import Day

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)

SEGMENTS = {
    "customer_id": "varchar",
    "net_w": "decimal(18,2)",
    "last_event_on": "date",
    "last_late_on": "date",
}
"""Columns of `segments` before one per scheme, and their types."""

MOVES = {
    "customer_id": "varchar",
    "scheme": "varchar",
    "as_of": "date",
    "previous_as_of": "date",
    "segment": "varchar",
    "previous_segment": "varchar",
    "cause": "varchar",
    "net_w": "decimal(18,2)",
    "previous_net_w": "decimal(18,2)",
}
"""Columns of `moves` and their types.

A customer's first row in a scheme has no previous segment, and one that tells of their leaving no segment;
on the first day of a scheme in the memory there is no previous day either, nor a cause.
"""

ROWS = 200_000  # customers at a time; with 25 schemes their segments are some 100 MB as pandas holds them


class SegmentsDiffer(ValueError):
    """The scores of a day are not of the customers of its features: a step in between was not run again."""


@dataclass(frozen=True)
class Remembered:
    """A day of the memory.

    `key` names its segments' file. `rules` are what it was judged by: `cutpoints` (kind and version of the
    artifact) and `thresholds`; `settings` is a hash of all else that decides a feature.
    """

    as_of: date
    key: str
    schemes: tuple[str, ...]
    sources: tuple[str, ...]
    rules: Mapping[str, Any] = field(default_factory=dict)
    settings: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"as_of": self.as_of.isoformat()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Remembered:
        """What `to_json` wrote."""
        tuples = {name: tuple(told[name]) for name in ("schemes", "sources")}
        return cls(**{**told, **tuples, "as_of": date.fromisoformat(told["as_of"])})


def days(lake: Path) -> dict[date, Remembered]:
    """The remembered days in ascending order."""
    found = sorted((lake / "history" / "days").glob("as_of=*.json"))
    told = (Remembered.from_json(json.loads(path.read_text(encoding="utf-8"))) for path in found)
    return {each.as_of: each for each in told}


def segments_path(lake: Path, day: Remembered) -> Path:
    """Where the segments of a day lie."""
    return lake / "history" / "segments" / f"as_of={day.as_of.isoformat()},key={day.key}.parquet"


# --- a day -------------------------------------------------------------------------------------------------


def write_segments(lake: Path, day: Day, schemes: Sequence[str], path: Path) -> str:
    """Put the segments every scheme found on a day side by side; return the key of the file.

    Raises SegmentsDiffer when the scores are not of the features' customers.
    """
    columns = SEGMENTS | dict.fromkeys(schemes, "varchar")
    place.write_parquet(path, _side_by_side(lake, day, schemes), columns, key="customer_id")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _side_by_side(lake: Path, day: Day, schemes: Sequence[str]) -> Iterator[pa.Table]:
    features = place.features_path(lake, day)
    parts = {scheme: place.scores_path(lake, scheme, day) for scheme in schemes}
    rows = _rows(features)
    wrong = [scheme for scheme, path in parts.items() if _rows(path) != rows]
    if wrong:
        msg = f"{day.key}: scores of {', '.join(wrong)} are not of the {rows} customers of {features}"
        raise SegmentsDiffer(msg)
    scored = {scheme: slices(path, ("customer_id", "segment")) for scheme, path in parts.items()}
    for customers in slices(features, list(SEGMENTS)):
        table = customers
        for scheme, batches in scored.items():
            mine = next(batches)
            if not mine.column("customer_id").equals(customers.column("customer_id")):
                msg = f"{day.key}: scores of {scheme} are of other customers than {features}"
                raise SegmentsDiffer(msg)
            table = table.append_column(scheme, mine.column("segment"))
        yield table


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(path).num_rows


def slices(
    path: Path, columns: Sequence[str], rows: int = ROWS, dictionaries: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """The columns of a Parquet file in tables of exactly `rows` rows, the last one of what is left.

    The same cut for every file, whatever groups of rows it was written in: files of the same customers can be
    read side by side. Columns of `dictionaries` come dictionary-encoded.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, read_dictionary=list(dictionaries)) as file:
        waiting = None
        for batch in file.iter_batches(batch_size=rows, columns=list(columns)):
            table = pa.Table.from_batches([batch]).select(list(columns))
            waiting = table if waiting is None else pa.concat_tables([waiting, table])
            while waiting.num_rows >= rows:
                yield waiting.slice(0, rows).unify_dictionaries().combine_chunks()
                waiting = waiting.slice(rows)
        if waiting is not None and waiting.num_rows:
            yield waiting.unify_dictionaries().combine_chunks()


# --- the days as a chain -----------------------------------------------------------------------------------


def previous(chain: Mapping[date, Remembered], day: Remembered) -> dict[str, Remembered | None]:
    """Scheme of `day` → the remembered day before it that has this scheme; None when it is the first."""
    before = [chain[as_of] for as_of in sorted(chain) if as_of < day.as_of]
    return {
        scheme: next((each for each in reversed(before) if scheme in each.schemes), None)
        for scheme in day.schemes
    }


def moves_path(lake: Path, chain: Mapping[date, Remembered], day: Remembered) -> Path:
    """Where the moves of a day lie, as the days before it are remembered now."""
    made_from = {
        scheme: before and [before.as_of.isoformat(), before.key, _hash(before.rules), before.settings]
        for scheme, before in previous(chain, day).items()
    }
    key = _hash([made_from, day.key, _hash(day.rules), day.settings])
    return lake / "history" / "moves" / f"as_of={day.as_of.isoformat()},key={key}.parquet"


def fingerprint(chain: Iterable[Remembered]) -> str:
    """What a memory of these days depends on, in eight hex digits."""
    return _hash([[each.as_of.isoformat(), each.key, _hash(each.rules), each.settings] for each in chain])[:8]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def remember(lake: Path, day: Remembered, segments: Path) -> None:
    """Put a day into the memory, in place of what was remembered of it; its segments' file first."""
    if not segments_path(lake, day).exists():
        place.put(segments, segments_path(lake, day))
    pointer = lake / "history" / "days" / f"as_of={day.as_of.isoformat()}.json"
    place.write_json(pointer, day.to_json())
    chain = days(lake)
    following = next((each for as_of, each in chain.items() if as_of > day.as_of), None)
    for each in filter(None, (day, following)):
        needed = {segments_path(lake, each), moves_path(lake, chain, each)}
        for layer in ("segments", "moves"):
            for path in (lake / "history" / layer).glob(f"as_of={each.as_of.isoformat()},key=*.parquet"):
                if path not in needed:
                    path.unlink(missing_ok=True)


def lay_out(
    lake: Path,
    chain: Mapping[date, Remembered],
    folder: Path,
    find: Callable[[Remembered, Mapping[str, Remembered | None], Path], None],
) -> str:
    """Lay what a memory of these days is made from into `folder`, anew; return the fingerprint of the days.

    `find` makes the moves of a day that are not there yet. The folder gets moves/*.parquet, one file a day;
    segments.parquet of the last day; and moves/none.parquet without a row, so that no day is a memory, too.
    """
    for leftover in [*folder.glob("moves/*"), *folder.glob("*.parquet")]:
        leftover.unlink()
    place.write_parquet(folder / "moves" / "none.parquet", [], MOVES)
    for day in chain.values():
        path = moves_path(lake, chain, day)
        if not path.exists():
            find(day, previous(chain, day), path)
        place.put(path, folder / "moves" / f"as_of={day.as_of.isoformat()}.parquet")
    return fingerprint(chain.values())


def arrivals(lake: Path, day: Remembered, schemes: Sequence[str]) -> Iterator[pa.Table]:
    """The first rows of schemes that begin on a day: everybody is where they are, and nothing moved them."""
    import pyarrow as pa

    for scheme in schemes:
        for table in slices(segments_path(lake, day), ("customer_id", "net_w", scheme)):
            known = {
                "customer_id": table.column("customer_id"),
                "scheme": pa.repeat(pa.scalar(scheme), table.num_rows),
                "as_of": pa.repeat(pa.scalar(day.as_of), table.num_rows),
                "segment": table.column(scheme),
                "net_w": table.column("net_w"),
            }
            yield pa.table({name: known.get(name, pa.nulls(table.num_rows)) for name in MOVES})


def read_aligned(
    before: Path, today: Path, schemes: Sequence[str]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Two days' segments, the same customers' on both sides: customer_id's in the range of a slice of today.

    Either frame can be empty; every customer of either day is in exactly one pair of frames. Schemes are
    categorical columns.
    """
    columns = [*SEGMENTS, *schemes]
    files = (slices(path, columns, dictionaries=schemes) for path in (before, today))
    for then, now in aligned(*files):
        yield _joined(then, columns, schemes), _joined(now, columns, schemes)


def aligned(
    before: Iterator[pa.Table], today: Iterator[pa.Table]
) -> Iterator[tuple[list[pa.Table], list[pa.Table]]]:
    """Two tables sorted by customer_id, side by side: what one has of the customers in a slice of the other.

    Every row of either is in exactly one pair; either side of a pair can be empty.
    """
    waiting = None
    for table, is_last in _and_whether_last(today):
        until = None if is_last else table.column("customer_id")[-1].as_py()
        parts = []
        while waiting is not None or (waiting := next(before, None)) is not None:
            inside, waiting = _split(waiting, until)
            parts.append(inside)
            if waiting is not None:
                break
        yield parts, [table]
    rest = [each for each in (waiting, *before) if each is not None]
    if rest:  # nobody is there today
        yield rest, []


def _and_whether_last(tables: Iterator[pa.Table]) -> Iterator[tuple[pa.Table, bool]]:
    last = next(tables, None)
    for table in tables:
        yield last, False
        last = table
    if last is not None:
        yield last, True


def _split(table: pa.Table, until: str | None) -> tuple[pa.Table, pa.Table | None]:
    """The rows of customers up to `until`, sorted by their bytes, and those after, if any."""
    import pyarrow.compute as pc

    if until is None:
        return table, None
    ids = table.column("customer_id")
    inside = pc.sum(pc.less_equal(ids, until)).as_py() or 0
    return table.slice(0, inside), table.slice(inside) if inside < table.num_rows else None


def _joined(tables: Sequence[pa.Table], columns: Sequence[str], schemes: Sequence[str]) -> pd.DataFrame:
    import pyarrow as pa

    if tables:
        whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        return _frame(whole, columns, schemes)
    kinds = {name: place.arrow_type(kind) for name, kind in SEGMENTS.items()}
    kinds |= dict.fromkeys(schemes, pa.dictionary(pa.int32(), pa.string()))
    return _frame(pa.schema([(name, kinds[name]) for name in columns]).empty_table(), columns, schemes)


def _frame(table: pa.Table, columns: Sequence[str], schemes: Sequence[str]) -> pd.DataFrame:
    kept = [name for name in columns if name not in schemes]
    found = place.frame(table, kept)
    for scheme in schemes:
        found[scheme] = table.column(scheme).to_pandas()
    return found


def sources_of(lake: Path, path: Path) -> list[tuple[str, ...]]:
    """The sources of the days a file of the history tells of; those of every day when it is not known."""
    told = list(days(lake).values())
    for place_in_line, each in enumerate(told):
        if path.name.startswith(f"as_of={each.as_of.isoformat()},") and path.parent.name == "segments":
            return [each.sources]
        if path.name.startswith(f"as_of={each.as_of.isoformat()},") and path.parent.name == "moves":
            return sorted({day.sources for day in told[max(0, place_in_line - 1) : place_in_line + 1]})
    return sorted({each.sources for each in told})
