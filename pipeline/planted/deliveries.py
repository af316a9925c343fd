"""The files a company drops: each extract in a format of its own, equal rows as equal bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pipeline.planted import faults

if TYPE_CHECKING:
    from pipeline.planted.extracts import Rows
    from pipeline.planted.shop import Shop


@dataclass(frozen=True)
class Format:
    """How the files of an extract end, and what makes their bytes of a header and rows."""

    suffix: str
    bytes_of: Callable[[list[str], list[tuple[str, ...]]], bytes]


def separated(
    header: list[str], rows: list[tuple[str, ...]], delimiter: str = ",", encoding: str = "utf-8"
) -> bytes:
    """Text with one record per line, fields quoted only where they must be."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def gzipped(content: bytes) -> bytes:
    """Gzip without a time and a name in its head."""
    return gzip.compress(content, 4, mtime=0)


def zstandard(content: bytes) -> bytes:
    """Zstandard, as one frame."""
    import pyarrow as pa

    return pa.compress(content, codec="zstd", asbytes=True)


def archived(members: dict[str, bytes]) -> bytes:
    """A zip archive whose members carry no time."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, NO_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return sink.getvalue()


def json_lines(header: list[str], rows: list[tuple[str, ...]]) -> bytes:
    """An object a line; nothing is null."""
    lines = (
        json.dumps(dict(zip(header, (value or None for value in row), strict=True)), ensure_ascii=False)
        for row in rows
    )
    return ("\n".join(lines) + "\n").encode()


def fixed_width(header: list[str], rows: list[tuple[str, ...]]) -> bytes:
    """A heading, then each value at its place, blanks behind it; places are counted in characters."""
    lines = [
        "".join(value.ljust(HOLIDAY_WIDTHS[name]) for name, value in zip(header, row, strict=True))
        for row in [tuple(header), *rows]
    ]
    return ("\n".join(lines) + "\n").encode()


def parquet(header: list[str], rows: list[tuple[str, ...]]) -> bytes:
    """Typed columns, as a data lake would hand on what devices report."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [pa.array([value or None for value in column]) for column in zip(*rows, strict=True)]
    types = {"event_at": pa.timestamp("us"), "duration_s": pa.int64()}
    typed = [column.cast(types.get(name, pa.string())) for name, column in zip(header, columns, strict=True)]
    sink = io.BytesIO()
    pq.write_table(pa.table(typed, names=header), sink, compression="zstd")
    return sink.getvalue()


def workbook(header: list[str], rows: list[tuple[str, ...]]) -> bytes:
    """One sheet of text cells: the least a spreadsheet can be, and the same bytes each time."""
    lines = []
    for row in [tuple(header), *rows]:
        cells = "".join(
            f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else "<c/>" for value in row
        )
        lines.append(f"<row>{cells}</row>")
    sheet = f'{_XML}<worksheet xmlns="{_SHEETS}/main"><sheetData>{"".join(lines)}</sheetData></worksheet>'
    return archived(
        {name: text.encode() for name, text in {**_WORKBOOK, "xl/worksheets/sheet1.xml": sheet}.items()}
    )


NO_TIME = (1980, 1, 1, 0, 0, 0)
HOLIDAY_WIDTHS = {"country": 4, "holiday_on": 12, "name_zh": 8, "name_en": 24}

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OPEN = "http://schemas.openxmlformats.org"
_SHEETS = f"{_OPEN}/spreadsheetml/2006"
_RELATED = f"{_OPEN}/officeDocument/2006/relationships"
_PACKAGE = f"{_OPEN}/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_WORKBOOK = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_SHEETS}/main" xmlns:r="{_RELATED}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATED}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}

CSV = Format(".csv", separated)
GZIPPED = Format(".csv.gz", lambda header, rows: gzipped(separated(header, rows)))
FORMATS = {
    "customers": Format(".csv", partial(separated, encoding="gb18030")),
    "orders": GZIPPED,
    "order_lines": GZIPPED,
    "returns": Format(".csv", partial(separated, delimiter=";")),
    "feedback": Format(".jsonl.gz", lambda header, rows: gzipped(json_lines(header, rows))),
    "survey_responses": Format(".txt", partial(separated, delimiter="\t", encoding="utf-16")),
    "service_tickets": Format(".csv", partial(separated, delimiter="|")),
    "usage_events": Format(".parquet", parquet),
    "web_events": Format(".csv.zst", lambda header, rows: zstandard(separated(header, rows))),
    "interactions": GZIPPED,
    "social": Format(".jsonl", json_lines),
    "referrals": Format(".zip", lambda header, rows: archived({"referrals.csv": separated(header, rows)})),
    "campaigns": Format(".csv", partial(separated, encoding="utf-8-sig")),
    "products": Format(".xlsx", workbook),
    "regions": Format(".csv", partial(separated, encoding="gb18030")),
    "holidays": Format(".txt", fixed_width),
    "loyalty_points": GZIPPED,
}
"""Extract → its format, so that every reader has something to read; the others are plain CSV."""


def write(shop: Shop, root: Path, planted: dict[str, Rows]) -> dict[str, int]:
    """Write what is not there yet below `root`, a folder per extract; return extract → files written now."""
    return {name: _write_extract(shop, root / name, name, rows) for name, rows in planted.items()}


def _write_extract(shop: Shop, folder: Path, name: str, rows: Rows) -> int:
    import numpy as np

    form = FORMATS.get(name, CSV)
    folder.mkdir(parents=True, exist_ok=True)
    order = np.argsort(rows.delivered, kind="stable")
    days, starts = np.unique(rows.delivered[order], return_index=True)
    records = list(zip(*rows.columns.values(), strict=True))
    header = list(rows.columns)
    written = 0
    for day, positions in zip(days.tolist(), np.split(order, starts[1:]), strict=True):
        content = form.bytes_of(header, [records[position] for position in positions.tolist()])
        written += _put(_path(shop, folder, name, day, form), content)
    twice = faults.day_sent_twice(rows)
    if name == faults.FILE_SENT_TWICE:
        content = _path(shop, folder, name, twice, form).read_bytes()
        written += _put(_path(shop, folder, name, twice + 1, form), content)
    if name == faults.EMPTY_FILE:
        written += _put(_path(shop, folder, name, twice + 1, form), b"")
    return written


def _put(path: Path, content: bytes) -> bool:
    """Whether the file had to be written. Not synced to disk: a file a crash cut short has another length."""
    if path.exists() and path.stat().st_size == len(content):
        return False
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)
    return True


def _path(shop: Shop, folder: Path, name: str, day: int, form: Format) -> Path:
    return folder / f"{name}_{shop.first_day + timedelta(days=day)}{form.suffix}"
