"""Landing: what a source sent, byte for byte, under the name of its own content.

A file lies at `landing/<source>/<extract>/<sha256><suffixes>`, read-only, for ever; that it was delivered,
when and under which name is its receipt. Landing a file that is already there writes nothing.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage import receipts
from storage.placing import Placing
from storage.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from storage.declaration import Extract, Source

_PIECE = 1 << 20
_BEING_WRITTEN = (".part", ".tmp")


class FileStillChanging(OSError):
    """A file changed while it was being copied. The next try may find it whole."""


class FileOfTwoExtracts(ValueError):
    """The declared paths of two extracts both name one file."""


@dataclass(frozen=True)
class Landed:
    """What was found in the incoming folder.

    `receipts` are those of every file delivered by `known_on`, whether it came now or before, ordered by
    (delivered_on, extract, file, sha256). `unmatched` are the files, as `<source>/<path>`, no declaration
    names.
    """

    receipts: tuple[Receipt, ...]
    unmatched: tuple[str, ...]


def land(lake: Path, incoming: Path, sources: Sequence[Source], known_on: date) -> Landed:
    """Copy every declared file delivered by `known_on` below `incoming/<source>/` into the lake's landing.

    A file is in place, whole, before its receipt is; both are put in place in one step, so a landing that was
    killed is completed by the next one. Names that start with a dot or end in .part or .tmp are still being
    written, and left alone.

    Raises FileStillChanging for a file that changes under our hands and FileOfTwoExtracts when two
    declarations claim one file.
    """
    found, unmatched = [], []
    for source in sources:
        for path in _files(incoming / source.name):
            relative = path.relative_to(incoming / source.name).as_posix()
            extract, delivered_on = _declared(source, relative)
            if extract is None or delivered_on is None:
                unmatched.append(f"{source.name}/{relative}")
            elif delivered_on <= known_on:
                found.append((delivered_on, extract, path))
    landed = sorted(
        ((_receipt(extract, delivered_on, path), path) for delivered_on, extract, path in found),
        key=lambda pair: pair[0].order,
    )
    with Placing() as placing:
        for receipt, path in landed:
            _copy(path, receipt.landed_path(lake), receipt.sha256, placing)
    with Placing() as placing:
        for receipt, _ in landed:
            # A receipt that is there already may say more: that the file has been read, and how that went.
            if not receipt.path(lake).exists():
                placing.temporary(receipt.path(lake)).write_bytes(receipts.as_json(receipt))
    return Landed(tuple(receipt for receipt, _ in landed), tuple(sorted(unmatched)))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and not path.name.endswith(_BEING_WRITTEN):
            yield path


def _declared(source: Source, relative: str) -> tuple[Extract | None, date | None]:
    matches = [(extract, day) for extract in source.extracts if (day := extract.delivered_on(relative))]
    if len(matches) > 1:
        names = " and ".join(extract.name for extract, _ in matches)
        msg = f"{source.name}/{relative} is a file of {names}: the declared paths must tell them apart"
        raise FileOfTwoExtracts(msg)
    return matches[0] if matches else (None, None)


def _receipt(extract: Extract, delivered_on: date, path: Path) -> Receipt:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
        size = file.tell()
    return Receipt(extract.source, extract.name, delivered_on, path.name, digest.hexdigest(), size)


def _copy(path: Path, landed_path: Path, sha256: str, placing: Placing) -> None:
    if landed_path.exists() or placing.holds(landed_path):
        return
    digest = hashlib.sha256()
    temporary = placing.temporary(landed_path)
    with path.open("rb") as file, temporary.open("xb") as copy:
        while piece := file.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
    if digest.hexdigest() != sha256:
        msg = f"{path} changed while it was being copied"
        raise FileStillChanging(msg)
    os.chmod(temporary, 0o444)
