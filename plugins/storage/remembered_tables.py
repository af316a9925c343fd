"""Remembered tables: what the memory tells BI, as an edition in published/memory beside the versions.

    published/memory/<memory>/<table>.parquet     <memory> = as_of=<the last day it tells of>,key=<8 hex>
                              csv/<table>.csv     as beside a version
                              manifest.json       rows, descriptions, hashes

The key stands for the days it was made from. Which memory BI sees, `storage.published` says in its switch.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from storage import csv_copies, edition, published
from storage import lake as place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MEASURES = "memory_measures"
"""The table of the memory that is for its gate, not for BI."""


def is_whole(lake: Path, name: str) -> bool:
    """Whether a memory of this name lies in place as it was put."""
    folder = lake / "published" / "memory" / name
    return folder.is_dir() and not edition.damaged(folder)


def put(
    lake: Path, name: str, tables: Path, descriptions: Mapping[str, Mapping[str, Any]], *, csv: bool
) -> str:
    """Put the tables in a folder in place as a memory: "new", "unchanged" or "replaced".

    To be called while `published.alone` is held, as a `published.Memory` is.
    """
    staged = lake / "published" / ".work" / "memory"
    shutil.rmtree(staged, ignore_errors=True)  # it may have been put, and was there already, a moment ago
    for path in sorted(tables.glob("*.parquet")):
        if path.stem != MEASURES:
            place.put(path, staged / path.name, link=False)
    if csv:
        csv_copies.write_csvs(staged)
    _write_manifest(staged, name, edition.tables(staged, descriptions))
    folder = lake / "published" / "memory" / name
    folder.parent.mkdir(exist_ok=True)
    return edition.put_in_place(staged, folder)


def _write_manifest(staged: Path, name: str, tables: Mapping[str, Any], erasures: int = 0) -> None:
    told = {"memory": name, "tables": tables, "files": edition.files(staged)}
    place.write_json(staged / "manifest.json", told | ({"erasures": erasures} if erasures else {}))


def without_rows(lake: Path, take_out: Callable[[Path], int]) -> dict[str, int]:
    """Take rows out of every memory, as an erasure does, and show BI the rest; return table → how many.

    `take_out` does it to one Parquet file and returns how many rows it took.
    """
    taken: dict[str, int] = {}
    with published.alone(lake) as work:
        for folder in sorted((lake / "published" / "memory").glob("as_of=*")):
            staged = work / folder.name
            shutil.copytree(folder, staged)
            rows = {path.stem: take_out(path) for path in sorted(staged.glob("*.parquet"))}
            if any(rows.values()):
                told = edition.contents(staged)
                (staged / "manifest.json").unlink()
                if (staged / "csv").is_dir():
                    csv_copies.write_csvs(staged)
                for table, count in rows.items():
                    told["tables"][table]["rows"] -= count
                    taken[table] = taken.get(table, 0) + count
                _write_manifest(staged, folder.name, told["tables"], told.get("erasures", 0) + 1)
                edition.put_in_place(staged, folder)
        if taken:
            published.switch(lake)
    return {table: rows for table, rows in taken.items() if rows}
