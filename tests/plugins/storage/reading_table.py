"""One small extract that can be written in every format, and a reader that says what became of a file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import yaml

from storage import declaration
from storage.reading.one_delivery import DeliveryReader
from storage.receipts import Receipt

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2017, 1, 5)
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"data_type": "varchar", "required": True},
    "n": {"data_type": "bigint", "min": 0, "max": 1000},
    "amount": {"data_type": "decimal(18,2)", "min": 0},
    "rate": {"data_type": "double"},
    "at": {"data_type": "timestamp"},
    "day": {"data_type": "date"},
    "ok": {"data_type": "boolean"},
    "kind": {"data_type": "varchar", "values": ["app", "web"]},
    "note": {"data_type": "varchar"},
}
NAMES = tuple(COLUMNS)
WIDTH = 32  # of every column, where the format is fixed width
GOOD = {
    "id": "a",
    "n": "7",
    "amount": "9.50",
    "rate": "0.5",
    "at": "2017-01-04 12:00:00",
    "day": "2017-01-04",
    "ok": "true",
    "kind": "app",
    "note": "fine",
}


def row(**changed: Any) -> dict[str, Any]:
    """A good record, with these values in place of its own."""
    return GOOD | changed


def csv_text(*rows: dict[str, str] | str, delimiter: str = ",", end: str = "\n", header: str = "") -> str:
    """A header and these records; a text stands as it is."""
    lines = [header or delimiter.join(NAMES)]
    for each in rows:
        if isinstance(each, str):
            lines.append(each)
            continue
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter).writerow([each[name] for name in NAMES])
        lines.append(buffer.getvalue().removesuffix("\r\n"))
    return "".join(line + end for line in lines)


def jsonl_text(*rows: dict[str, Any] | str) -> str:
    """These objects, one a line; a text stands as it is."""
    lines = (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in rows)
    return "".join(line + "\n" for line in lines)


def fixed_text(*rows: dict[str, str] | str) -> str:
    """These records, every column filled up with blanks; a text stands as it is."""
    lines = (
        each if isinstance(each, str) else "".join(each[name].ljust(WIDTH) for name in NAMES) for each in rows
    )
    return "".join(line + "\n" for line in lines)


def excel_bytes(*rows: dict[str, Any] | list[Any], sheet: str = "Sheet1", **more: Any) -> bytes:
    """A workbook of one sheet with a header and these records; a list stands as it is."""
    import openpyxl

    workbook = openpyxl.Workbook()
    workbook.active.title = sheet
    workbook.active.append(more.get("header", list(NAMES)))
    for each in rows:
        workbook.active.append(each if isinstance(each, list) else [each[name] for name in NAMES])
    for name in more.get("other_sheets", ()):
        workbook.create_sheet(name)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@dataclass(frozen=True)
class Case:
    """A file, how it is declared, and what must become of it.

    `good` are the numbers of the records that go on, `bad` of the others with their reasons. A file with a
    `reason` is set aside, with so many records `counted` in it.
    """

    name: str
    sent: bytes
    good: tuple[int, ...] = ()
    bad: dict[int, str] = field(default_factory=dict)
    reason: str | None = None
    counted: int = 0
    written: tuple[tuple[str, Any], ...] = ()
    suffix: str = ".csv"
    encoding: str | None = "utf-8"
    added: str = ""

    @cached_property
    def rows_in(self) -> int:
        return self.counted if self.reason else len(self.good) + len(self.bad)


@dataclass(frozen=True)
class Found:
    """What became of a file: its receipt, its rows in raw and in quarantine."""

    receipt: Receipt
    raw: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]


@cache
def source(suffix: str, written: tuple[tuple[str, Any], ...], folder: Path) -> declaration.Source:
    """The extract as declared, written so."""
    fixed = dict(written).get("format") == "fixed_width"
    columns = []
    for position, (name, column) in enumerate(COLUMNS.items()):
        meta = {key: value for key, value in column.items() if key != "data_type"}
        place = {"start": position * WIDTH + 1, "width": WIDTH} if fixed else {}
        columns.append({"name": name, "data_type": column["data_type"], "config": {"meta": meta | place}})
    meta = {"path": "lines_{delivered_on}" + suffix, "key": ["id"], "event_column": "at"}
    table = {"name": "lines", "config": {"meta": meta | dict(written)}, "columns": columns}
    content = {"name": "shop", "config": {"meta": {"time_zone": "UTC", "currency": "USD"}}, "tables": [table]}
    file = folder / "shop" / "_shop__sources.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({"version": 2, "sources": [content]}))
    return declaration.read(folder, ["shop"])[0]


class Reading:
    """Reads one file after the other, each as if it were the first of a lake."""

    def __init__(self, folder: Path, connection: Any) -> None:
        self._folder = folder
        self._connection = connection
        self._read = 0

    def read(self, sent: bytes, suffix: str, written: tuple[tuple[str, Any], ...] = ()) -> Found:
        import pyarrow.parquet as pq

        self._read += 1
        lake = self._folder / str(self._read)
        declared = source(suffix, written, self._folder / "declared")
        receipt = Receipt("shop", "lines", DAY, f"lines_{DAY}{suffix}", f"{self._read:064x}", len(sent))
        landed = receipt.landed_path(lake)
        landed.parent.mkdir(parents=True)
        landed.write_bytes(sent)
        reader = DeliveryReader(lake, declared, declared.extracts[0], lake, "UTC", self._connection)
        outcome = reader.read(receipt, [])
        layers = [
            pq.ParquetFile(path).read().to_pylist() if path.exists() else []
            for path in (receipt.raw_path(lake), receipt.quarantine_path(lake))
        ]
        return Found(outcome, *layers)
