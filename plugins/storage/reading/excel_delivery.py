"""Reading the records of one sheet of an Excel workbook (.xlsx): one on every row below the header.

Values go on as text: a text as it is, a number in the fewest digits that give it back, a day as 2017-01-31,
an instant as 2017-01-31 12:00:00. Of a formula the value goes on that Excel saved with it. Of merged cells
the first has the value, as Excel keeps it, and the others have none.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from storage.reading.archive import LARGE, LARGEST_RATIO
from storage.reading.csv_delivery import wrong_names
from storage.reading.outcome import Place, Reject, SetAside
from storage.reading.text_delivery import Chunk, without_empty_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.declaration import Extract

# Rows looked at together.
_ROWS = 10_000

_PIECE = 1 << 20  # bytes read at once
# A formula's element, whatever the writer's prefix for Excel's names is.
_FORMULA = re.compile(rb"<(\w+:)?f[\s>/]")

_OLD_OR_ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# What openpyxl raises over a file that says it is a workbook and is none, or a damaged one.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    NotImplementedError,
)


class ExcelFile:
    """One workbook being read: the sheet, the header, and how far we are."""

    def __init__(self, path: Path, extract: Extract) -> None:
        self._path = path
        self._extract = extract
        self._header: list[str] = []
        self._record = 0
        self.added_columns: tuple[str, ...] = ()
        self.missing_columns: tuple[str, ...] = ()

    def chunks(self) -> Iterator[Chunk]:
        """Yield the sheet's records, some at a time; an empty row is none.

        Raises SetAside when the workbook, the sheet or the header is not what was declared.
        """
        self._require_workbook()
        wrong_header, started = None, False
        rows: list[tuple[int, list[Any]]] = []
        for number, cells in self._rows():
            if number < self._extract.header_row:
                continue
            if not started:
                wrong_header, started = self._take_header(cells), True
                continue
            if any(cell not in {None, ""} for cell in cells):
                rows.append((number, cells))
            if len(rows) == _ROWS:
                yield from self._chunk(rows, wrong_header)
                rows = []
        if not started:
            raise SetAside("empty_file", f"the sheet has no row {self._extract.header_row} for its header")
        yield from self._chunk(rows, wrong_header)
        if wrong_header is not None:
            wrong_header.rows_in = self._record
            raise wrong_header

    def _require_workbook(self) -> None:
        with self._path.open("rb") as file:
            start = file.read(8)
        if not start:
            raise SetAside("empty_file", "the file holds nothing")
        if start == _OLD_OR_ENCRYPTED:
            detail = "an encrypted workbook, or one of Excel before 2007; save it as .xlsx without a password"
            raise SetAside("encrypted_archive", detail)
        if not start.startswith(b"PK"):
            raise SetAside("wrong_format", "the file is no .xlsx workbook")
        try:
            with zipfile.ZipFile(self._path) as archive:
                size = sum(member.file_size for member in archive.infolist())
        except zipfile.BadZipFile as wrong:
            raise SetAside("truncated_archive", "the workbook ends before its list of parts") from wrong
        if size > LARGE and size > LARGEST_RATIO * self._path.stat().st_size:
            raise SetAside("archive_bomb", f"decompresses to more than {LARGEST_RATIO} times its size")

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Every row of the sheet with its number; a cell is its value, or an `_Unreadable`."""
        import openpyxl

        try:
            workbook = openpyxl.load_workbook(self._path, read_only=True, data_only=True)
            saved = workbook[self._sheet(workbook.sheetnames)]
            # What a file says of the size of its sheets is not always so; what lies beyond would be lost.
            saved.reset_dimensions()
            if not self._has_formulas():
                for number, cells in enumerate(saved.iter_rows(), 1):
                    yield number, [_cell(cell, cell) for cell in cells]
                return
            written = openpyxl.load_workbook(self._path, read_only=True, data_only=False)[saved.title]
            written.reset_dimensions()
            rows = zip(saved.iter_rows(), written.iter_rows(), strict=True)
            for number, (values, formulas) in enumerate(rows, 1):
                yield number, [_cell(value, formula) for value, formula in zip(values, formulas, strict=True)]
        except SetAside:
            raise
        except _DAMAGED as wrong:
            raise SetAside("corrupt_archive", "the workbook is damaged", self._record) from wrong

    def _has_formulas(self) -> bool:
        """Whether any sheet has a formula; without one a second look at every cell is spared."""
        with zipfile.ZipFile(self._path) as archive:
            for name in archive.namelist():
                if not name.startswith("xl/worksheets/"):
                    continue
                with archive.open(name) as part:
                    before = b""
                    while piece := part.read(_PIECE):
                        if _FORMULA.search(before + piece):
                            return True
                        before = piece[-8:]
        return False

    def _sheet(self, names: list[str]) -> str:
        wanted = self._extract.sheet
        if wanted is None and len(names) == 1:
            return names[0]
        if wanted not in names:
            detail = f"{len(names)} sheets, and none is declared" if wanted is None else f"no sheet {wanted}"
            raise SetAside("wrong_sheet", detail)
        return wanted

    def _take_header(self, cells: list[Any]) -> SetAside | None:
        names = ["" if cell is None else str(cell) for cell in cells]
        while names and not names[-1]:
            names.pop()
        self._header = names
        declared = self._extract.sent_names
        self.added_columns = tuple(name for name in names if name and name not in declared)
        return wrong_names(names, self._extract)

    def _chunk(self, rows: list[tuple[int, list[Any]]], wrong_header: SetAside | None) -> Iterator[Chunk]:
        import numpy as np
        import pyarrow as pa

        first = self._record + 1
        self._record += len(rows)
        if wrong_header is not None:
            return
        numbers: list[int] = []
        good: list[tuple[int, list[Any]]] = []
        rejects = []
        for number, (row, cells) in enumerate(rows, first):
            wrong = self._what_is_wrong(cells)
            if wrong is None:
                numbers.append(number)
                good.append((row, cells))
            else:
                rejects.append(Reject.at(_place(row, cells), number, *wrong))
        positions = [self._header.index(name) for name in self._extract.sent_names]
        columns = [
            pa.array([cells[position] if position < len(cells) else None for _, cells in good], pa.string())
            for position in positions
        ]
        rows_of_text = pa.table(columns, names=list(self._extract.column_names))
        yield Chunk(
            rows=without_empty_numbers(rows_of_text, self._extract),
            numbers=np.array(numbers, np.int64),
            place=lambda row: _place(*good[row]),
            rejects=rejects,
            records=len(rows),
        )

    def _what_is_wrong(self, cells: list[Any]) -> tuple[str, str] | None:
        width = len(self._header)
        if any(cell not in {None, ""} for cell in cells[width:]):
            return "wrong_column_count", f"values behind the last of the header's {width} columns"
        for position, cell in enumerate(cells[:width]):
            if isinstance(cell, _Unreadable):
                return cell.reason, f"column {self._header[position]}: {cell.detail}"
        return None


class _Unreadable(str):
    """What stands in a cell that has no value, and why it has none."""

    reason: str
    detail: str

    @classmethod
    def of(cls, text: object, reason: str, detail: str) -> _Unreadable:
        cell = cls(text)
        cell.reason, cell.detail = reason, detail
        return cell


def _cell(saved: Any, written: Any) -> str | None:
    if saved.data_type == "e":
        return _Unreadable.of(saved.value, "cell_error", "an error of Excel's, such as #N/A")
    if saved.value is None and written.value is not None:
        return _Unreadable.of(written.value, "formula_without_value", "a formula that was never calculated")
    return _text(saved.value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _place(row: int, cells: list[Any]) -> Place:
    original = json.dumps([None if cell is None else str(cell) for cell in cells], ensure_ascii=False)
    return Place(row, None, original.encode("utf-8", "backslashreplace"))
