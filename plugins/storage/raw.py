"""Raw: what was delivered, as Parquet, one file per delivery; in quarantine beside it what could not be read.

Raw is a function of the landed bytes, the declaration and the time zone, of nothing else: not of the order
files came in, nor of what was read before. Deliveries are first read into a folder of the run, `pending`, so
that the gate can judge them before the lake changes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from storage import erasures, receipts
from storage import lake as lake_files
from storage.access import private_folder
from storage.placing import Placing
from storage.reading import kept
from storage.reading.one_delivery import DeliveryReader, original_of
from storage.reading.outcome import MOSTLY_UNREADABLE, quarantine_schema
from storage.reading.parquet_delivery import raw_typed_schema
from storage.reading.pseudonym import hashed_columns, require_key
from storage.reading.text_delivery import raw_text_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from storage.declaration import Column, Extract, Source
    from storage.reading.pseudonym import HashKey
    from storage.receipts import Receipt

log = logging.getLogger(__name__)

# Raise it when the reader changes what it writes: every delivery is then read again from landing.
READER = 4

# Memory DuckDB may take while reading; beyond it, it writes to the pending folder.
MEMORY_LIMIT = "1500MB"

# Threads for reading large Parquet files.
THREADS = 2

# Where the zero-row file of an extract lies, so that a view over its raw exists before any delivery does.
_NO_DELIVERY = "delivered_on=0001-01-01/none.parquet"


class PendingLost(FileNotFoundError):
    """A delivery was read, but its rows are neither pending nor in the lake."""


@dataclass(frozen=True)
class Delivery:
    """One delivered file and what became of it (grain: source, extract, delivered_on, file, sha256).

    Rows are counted so that rows_in = rows_raw + rows_quarantined, but for a duplicate: its rows are in
    rows_in and nowhere else. `reason` says why a file was set aside; `required` and `simulated` are the
    declaration's.
    """

    source: str
    extract: str
    delivered_on: date
    file: str
    sha256: str
    content: str
    bytes: int
    rows_in: int
    rows_raw: int
    rows_quarantined: int
    status: str
    duplicate_of: str | None
    reason: str | None
    added_columns: str
    missing_columns: str
    required: bool
    simulated: bool


def read_pending(
    lake: Path,
    sources: Sequence[Source],
    known_on: date,
    pending: Path,
    time_zone: str,
    key: HashKey | None = None,
) -> list[Delivery]:
    """Read every landed delivery the lake's raw does not hold yet into `pending`; return those.

    Below `pending` stand raw/, quarantine/ and receipts/ as they will below the lake, which is not touched.
    A delivery is read again when its declaration, the time zone or the reader has changed since. One that
    `pending` holds already, from a try that was killed, is not. `time_zone` is the settings': the local date
    of an event is taken in it. Personal values are hashed under `key`. A delivery whose bytes have expired
    cannot be read again: raw keeps what it holds of it. One that was read before the same bytes came under an
    earlier day is judged again: raw must not depend on which of the two came first.

    Raises HashKeyMissing when a declared column is hashed and there is no key.
    """
    require_key(key, sources)
    key_name = key.name if key else None
    erased = erasures.in_force(lake)
    read, expired = [], 0
    private_folder(pending, pending.parent)
    with _connection(pending, key) as connection:
        for source, extract in _extracts(sources):
            read_as = _read_as(source, extract, time_zone, key_name)
            # Chunks of text are small: a second thread costs a third more than it saves.
            connection.execute(f"set threads = {THREADS if extract.format == 'parquet' else 1}")
            reader = DeliveryReader(lake, source, extract, pending, time_zone, connection, erased, key_name)
            landed = receipts.read_all(lake, source.name, extract.name)
            waiting = receipts.read_all(pending, source.name, extract.name)
            known = {
                name: receipt
                for name, receipt in (landed | waiting).items()
                if receipt.read_as == read_as
                and (name not in waiting or _rows_are_there(receipt, pending, lake))
            }
            copies = _by_content(landed.values())
            for receipt in sorted(landed.values(), key=lambda receipt: receipt.order):
                if receipt.delivered_on > known_on:
                    break
                same = [known[copy] for copy in copies[receipt.sha256] if copy in known]
                before = known.get(receipt.name)
                if before and _is_judged_as(before, original_of(receipt, same, extract)):
                    continue
                if not before and receipt.status != "landed" and not receipt.landed_path(lake).exists():
                    expired += 1
                    outcome = receipt.with_outcome(read_as=read_as)
                    if outcome.status == "accepted":
                        outcome = outcome.with_outcome(reason=kept.REASON)
                        _keep(outcome, extract, lake, pending, connection)
                else:
                    outcome = reader.read(receipt.unread(), same).with_outcome(read_as=read_as)
                _write_pending(outcome, pending)
                known[receipt.name] = waiting[receipt.name] = outcome
            read += [_delivery(known[name], extract) for name in waiting if name in known]
    read.sort(key=_order)
    if expired:
        log.warning("%d deliveries cannot be read by the new declaration: their bytes have expired", expired)
    log.info(
        "read %d deliveries known on %s: %d rows", len(read), known_on, sum(each.rows_in for each in read)
    )
    return read


def put_in_place(lake: Path, pending: Path) -> None:
    """Move what is pending into the lake's raw and quarantine, and last its receipts.

    Each file takes its place in one step. A move that was killed is completed by the next one; a delivery
    whose receipt does not say it was read is read again.

    Raises PendingLost when the rows a receipt speaks of are nowhere.
    """
    waiting = {
        receipt.name: receipt
        for receipt in map(receipts.read, sorted((pending / "receipts").glob("*/*/*.json")))
    }
    with Placing() as placing:
        for receipt in waiting.values():
            if not _rows_are_there(receipt, pending, lake):
                msg = f"{receipt.name} was read, but its rows are not in {pending} and not in {lake}"
                raise PendingLost(msg)
            if _is_in_quarantine(receipt):
                private_folder(receipt.quarantine_path(lake).parent, lake)
            for path, place in _rows(receipt, pending, lake):
                if path.exists():
                    placing.move(path, place)
    _remove_what_no_longer_holds(lake, waiting)
    with Placing() as placing:
        for receipt in waiting.values():
            placing.move(receipt.path(pending), receipt.path(lake))
    copied = {(each.source, each.extract) for each in waiting.values() if each.status == "duplicate"}
    known = [receipt for names in sorted(copied) for receipt in receipts.read_all(lake, *names).values()]
    erased = {receipt.sha256 for receipt in (*known, *waiting.values()) if receipt.rows_erased}
    for receipt in waiting.values():
        # The bytes as sent still hold the person, also where they came a second time.
        if receipt.rows_erased or (receipt.status == "duplicate" and receipt.sha256 in erased):
            receipt.landed_path(lake).unlink(missing_ok=True)


def ensure_empty(lake: Path, sources: Sequence[Source]) -> None:
    """Write, for every declared extract, raw and quarantine of no rows with the declared columns.

    An extract that never came is then an empty one. What is there already with these columns is left alone.
    """
    for source, extract in _extracts(sources):
        private_folder((lake / "quarantine" / source.name / extract.name / _NO_DELIVERY).parent, lake)
        for layer, schema in (("raw", raw_schema(extract)), ("quarantine", quarantine_schema())):
            _write_empty(lake / layer / source.name / extract.name / _NO_DELIVERY, schema)


def raw_schema(extract: Extract) -> pa.Schema:
    """The columns of an extract's raw: typed from Parquet, as text from all other formats."""
    return raw_typed_schema(extract) if extract.format == "parquet" else raw_text_schema(extract)


def deliveries(
    lake: Path, sources: Sequence[Source], known_on: date, pending: Path | None = None
) -> list[Delivery]:
    """Every delivery known by `known_on` that was read, by (delivered_on, source, extract, file, sha256).

    With `pending`, also those that wait there; without, only those whose rows are in the lake.
    """
    found = []
    for source, extract in _extracts(sources):
        known = receipts.read_all(lake, source.name, extract.name)
        if pending is not None:
            known |= receipts.read_all(pending, source.name, extract.name)
        found += [
            _delivery(receipt, extract)
            for receipt in known.values()
            if receipt.delivered_on <= known_on and receipt.status != "landed"
        ]
    return sorted(found, key=_order)


def write_deliveries(path: Path, deliveries: Sequence[Delivery]) -> None:
    """Write deliveries as Parquet, in the order given, one row each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"date": pa.date32(), "int": pa.int64(), "bool": pa.bool_()}
    schema = pa.schema([(each.name, types.get(str(each.type), pa.string())) for each in fields(Delivery)])
    table = pa.Table.from_pylist([asdict(delivery) for delivery in deliveries], schema)
    with lake_files.replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _extracts(sources: Sequence[Source]) -> Iterator[tuple[Source, Extract]]:
    return ((source, extract) for source in sources for extract in source.extracts)


def _keep(
    receipt: Receipt, extract: Extract, lake: Path, pending: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    """Bring raw's rows of a delivery whose bytes are gone to the declared columns, in `pending`."""
    place, waits, schema = receipt.raw_path(lake), receipt.raw_path(pending), raw_schema(extract)
    of_text = hashed_columns(extract) or any(column.date_format for column in extract.columns)
    if of_text or not kept.has_columns(place, schema):
        private_folder(waits.parent, pending.parent)
        kept.keep(place, waits, extract, schema, connection)


def _read_as(source: Source, extract: Extract, time_zone: str, key_name: str | None) -> str:
    """What the rows of a delivery depend on beside its bytes and its day, as a short hash."""
    depends_on = {
        "reader": [READER, MOSTLY_UNREADABLE],
        "written": [
            *(extract.format, extract.delimiter, extract.encoding, extract.encoding_candidates),
            *(extract.member, extract.sheet, extract.header_row, extract.positions, extract.header_lines),
        ],
        "columns": [_column_form(column) for column in extract.columns],
        "time": [source.time_zone, extract.event_column, time_zone if extract.event_column else None],
    }
    if hashed_columns(extract):
        depends_on["key"] = key_name
    if extract.delivers != "rows":  # the same bytes are no duplicate then
        depends_on["delivers"] = extract.delivers
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:16]


def _column_form(column: Column) -> dict[str, object]:
    """What of a column decides how it is read. What came later than lakes did counts where it is declared."""
    form = asdict(column)
    later = {"sent_as", "date_format"}
    return {name: value for name, value in form.items() if name not in later or value is not None}


def _by_content(landed: Iterable[Receipt]) -> Mapping[str, list[str]]:
    """The names of the receipts of each content."""
    copies: dict[str, list[str]] = {}
    for receipt in landed:
        copies.setdefault(receipt.sha256, []).append(receipt.name)
    return copies


def _is_judged_as(receipt: Receipt, original: Receipt | None) -> bool:
    """Whether a receipt says what it would say, had every delivery come in the order of its days.

    It may call a delivery a duplicate whose original says less by now: reading that one again is for a change
    of the declaration.
    """
    if original is None:
        return True
    return receipt.status == "duplicate" and receipt.duplicate_of == original.file


def _rows(receipt: Receipt, pending: Path, lake: Path) -> Iterator[tuple[Path, Path]]:
    """The files a delivery's rows are in: where they wait, and their place in the lake."""
    if receipt.status == "accepted":
        yield receipt.raw_path(pending), receipt.raw_path(lake)
    if _is_in_quarantine(receipt):
        yield receipt.quarantine_path(pending), receipt.quarantine_path(lake)


def _rows_are_there(receipt: Receipt, pending: Path, lake: Path) -> bool:
    return all(path.exists() or place.exists() for path, place in _rows(receipt, pending, lake))


def _is_in_quarantine(receipt: Receipt) -> bool:
    return receipt.status == "set_aside" or receipt.rows_quarantined > 0


def _remove_what_no_longer_holds(lake: Path, waiting: Mapping[str, Receipt]) -> None:
    """Take away raw and quarantine of deliveries that, read by a newer declaration, have none any more."""
    known: dict[str, Receipt] = {}
    for source, extract in {(receipt.source, receipt.extract) for receipt in waiting.values()}:
        known |= receipts.read_all(lake, source, extract)
    known |= waiting
    # A duplicate of the same day shares its partition with the delivery it repeats.
    holds = {place for receipt in known.values() for _, place in _rows(receipt, lake, lake)}
    for receipt in waiting.values():
        for place in {receipt.raw_path(lake), receipt.quarantine_path(lake)} - holds:
            place.unlink(missing_ok=True)


def _write_pending(receipt: Receipt, pending: Path) -> None:
    path = receipt.path(pending)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_bytes(receipts.as_json(receipt))
    os.replace(unfinished, path)


def _write_empty(path: Path, schema: pa.Schema) -> None:
    import pyarrow.parquet as pq

    if path.exists() and pq.read_schema(path).equals(schema):
        return
    with lake_files.replacing(path) as temporary:
        pq.write_table(schema.empty_table(), temporary, compression="zstd")


def _delivery(receipt: Receipt, extract: Extract) -> Delivery:
    of_extract = {"required": extract.required, "simulated": extract.simulated}
    of_receipt = {
        each.name: getattr(receipt, each.name) for each in fields(Delivery) if each.name not in of_extract
    }
    return Delivery(**of_receipt, **of_extract)


def _order(delivery: Delivery) -> tuple[date, str, str, str, str]:
    return (delivery.delivered_on, delivery.source, delivery.extract, delivery.file, delivery.sha256)


@contextmanager
def _connection(pending: Path, key: HashKey | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """One connection for all deliveries, in UTC so that nothing hangs on the machine's own time zone."""
    import duckdb

    settings = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(pending / "spill"),
        "autoinstall_known_extensions": "false",
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("set timezone = 'UTC'")
        if key:
            key.put_on(connection)
        yield connection
