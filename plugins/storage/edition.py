"""Editions: folders of tables that are whole under their name, or not there, and say what is in them.

An edition is written beside, with manifest.json last, and takes its name in one rename. Its manifest holds
`tables` (rows and descriptions) and `files` (their SHA-256): whoever shows it can tell that it was changed.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from storage import lake as place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def put_in_place(staged: Path, folder: Path) -> str:
    """Give a whole version its name: "new", "replaced", or "unchanged" when these very bytes are there."""
    if not folder.exists():
        os.replace(staged, folder)
        state = "new"
    elif not damaged(folder) and contents(folder) == contents(staged):
        return "unchanged"
    else:
        exchange(staged, folder)
        state = "replaced"
    place.sync(folder.parent)
    return state


def exchange(staged: Path, folder: Path) -> None:
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


def contents(folder: Path) -> dict[str, Any]:
    """What manifest.json of an edition says."""
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def damaged(folder: Path) -> list[str]:
    """The files of a version that are missing or not those its manifest names."""
    if not (folder / "manifest.json").is_file():
        return ["manifest.json"]
    files = contents(folder)["files"].items()
    return [
        name for name, wanted in files if not (folder / name).is_file() or sha256(folder / name) != wanted
    ]


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tables(staged: Path, descriptions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the manifest says of the tables of a folder: their rows, and what they and their columns mean."""
    import pyarrow.parquet as pq

    told = {}
    for path in sorted(staged.glob("*.parquet")):
        meta = pq.read_metadata(path)
        said = descriptions.get(path.stem, {})
        meanings = said.get("columns", {})
        told[path.stem] = {
            "rows": meta.num_rows,
            "description": said.get("description", ""),
            "columns": {name: meanings.get(name, "") for name in meta.schema.to_arrow_schema().names},
        }
    return told


def files(staged: Path) -> dict[str, str]:
    """What the manifest says of the files of a folder: the SHA-256 of each."""
    return {str(path.relative_to(staged)): sha256(path) for path in staged.rglob("*") if path.is_file()}
