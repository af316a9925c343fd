"""Landing: what a source sent, byte for byte, under the name of its own content.

A file lies at `landing/<source>/<extract>/<sha256><suffixes>`, read-only and its owner's alone, until its
time is up or a person in it is erased; that it was delivered, when and under which name is its receipt.
Landing a file that is already there, or was read before it went, writes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage import incoming as places
from storage import lake as lake_files
from storage import naming, receipts
from storage.access import READ_ONLY, private_file, private_folder
from storage.placing import Placing
from storage.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from storage.declaration import Extract, Source
    from storage.incoming import Bucket, Folder, Found

# How senders call what they have not finished: a browser, WinSCP, rsync, Excel, Hadoop.
_BEING_WRITTEN = (".part", ".partial", ".filepart", ".tmp", ".crdownload")
_BEING_WRITTEN_BELOW = "_temporary"

# So many bytes are copied before they are looked at again and put in place: a landing that is killed has to
# copy no more than these a second time.
BATCH = 1 << 30

# Some file systems count time in steps of two seconds: a file younger than that when it was copied may be
# written again without its times changing, so it is read again the next time.
TIME_STEP_NS = 2 * 10**9


class FileOfTwoExtracts(ValueError):
    """The declared paths of two extracts both name one file."""


@dataclass(frozen=True)
class Landed:
    """What was found in the incoming place.

    `receipts` are those of every file delivered by `known_on`, whether it came now or before, ordered by
    (delivered_on, extract, file, sha256). The others are paths below the place, in order: `unmatched` are
    files no declaration names; `still_being_written` have a name that says so, wait for their marker, or
    changed while they were copied; `sent_again` are new under a name that had come with other bytes.
    """

    receipts: tuple[Receipt, ...]
    unmatched: tuple[str, ...] = ()
    still_being_written: tuple[str, ...] = ()
    sent_again: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Delivered:
    """A file that is declared and whole, as far as its name and its marker tell."""

    file: Found
    extract: Extract
    delivered_on: date
    name: str  # below the extract's folder

    def receipt(self, sha256: str) -> Receipt:
        return Receipt(
            self.extract.source, self.extract.name, self.delivered_on, self.name, sha256, self.file.size
        )


def land(
    lake: Path, incoming: Path | str | Folder | Bucket, sources: Sequence[Source], known_on: date
) -> Landed:
    """Copy every declared file delivered by `known_on` below `<incoming>/<source>/` into the lake's landing.

    A file is in place, whole, before its receipt is; both are put in place in one step, so a landing that was
    killed is completed by the next one. What is still being written is left alone, and named.

    Raises FileOfTwoExtracts when two declarations claim one file, and what `storage.incoming` raises for a
    place that is missing, refuses or does not answer.
    """
    place = incoming if isinstance(incoming, places.Folder | places.Bucket) else places.place(incoming)
    parts = [_land_source(lake, place, source, known_on) for source in sources]
    return Landed(
        tuple(sorted((each for part in parts for each in part.receipts), key=lambda receipt: receipt.order)),
        *(
            tuple(sorted(path for part in parts for path in getattr(part, kind)))
            for kind in ("unmatched", "still_being_written", "sent_again")
        ),
    )


def _land_source(lake: Path, place: Folder | Bucket, source: Source, known_on: date) -> Landed:
    found = _sorted_out(source, place.files(source.name), known_on)
    known = _Known.read(lake, place, source.name)
    copied: dict[str, str] = {}
    changed: set[str] = set()
    for batch in _batches(each for each in found.whole if not known.holds(each, lake)):
        copied |= (whole := _copy(lake, place, source, batch, known))
        changed |= {each.file.path for each in batch} - whole.keys()
    landed = [
        (each, each.receipt(copied.get(each.file.path) or known.sha256(each.file)))
        for each in found.whole
        if each.file.path not in changed
    ]
    before = _names_that_came(lake, source)
    new = [(each, receipt) for each, receipt in landed if not receipt.path(lake).exists()]
    with Placing() as placing:
        for each, receipt in new:
            arrival = receipt.arrival_path(lake)
            if not arrival.exists() and not placing.holds(arrival):
                placing.temporary(arrival).write_bytes(_arrival(each, receipt, place, lake))
    with Placing() as placing:
        for _, receipt in new:
            # A receipt that is there already may say more: that the file has been read, and how that went.
            if not placing.holds(receipt.path(lake)):
                placing.temporary(receipt.path(lake)).write_bytes(receipts.as_json(receipt))
    return Landed(
        tuple(receipt for _, receipt in landed),
        found.unmatched,
        (*found.being_written, *changed),
        tuple(each.file.path for each, receipt in new if _without_content(receipt.name) in before),
    )


# --- what was found ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _SortedOut:
    whole: tuple[_Delivered, ...]
    being_written: tuple[str, ...]
    unmatched: tuple[str, ...]


def _sorted_out(source: Source, files: Sequence[Found], known_on: date) -> _SortedOut:
    by_path = {naming.same(file.path): file for file in files}
    declared, being_written, unmatched = [], [], []
    for file in files:
        relative = file.path.removeprefix(source.name + "/")
        *folders, name = relative.split("/")
        if not _is_text(file.path):
            unmatched.append(os.fsencode(file.path).decode("utf-8", "backslashreplace"))
        elif name.lower().endswith(_BEING_WRITTEN) or _BEING_WRITTEN_BELOW in folders:
            being_written.append(file.path)
        elif extract_and_day := _declared(source, relative):
            extract, delivered_on = extract_and_day
            declared.append(_Delivered(file, extract, delivered_on, extract.file_name(relative)))
        else:
            unmatched.append(file.path)
    waits_for = {
        each.file.path: f"{source.name}/{marker}"
        for each in declared
        if (
            marker := each.extract.marker_of(
                each.file.path.removeprefix(source.name + "/"), each.delivered_on
            )
        )
    }
    markers = {naming.same(marker) for marker in waits_for.values()}
    whole = []
    for each in declared:
        path = each.file.path
        if naming.same(path) in markers or _is_hidden(path) or each.delivered_on > known_on:
            continue
        if path in waits_for and naming.same(waits_for[path]) not in by_path:
            being_written.append(path)
        else:
            whole.append(each)
    return _SortedOut(
        tuple(whole),
        tuple(being_written),
        tuple(path for path in unmatched if naming.same(path) not in markers and not _is_hidden(path)),
    )


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "~$")) for part in path.split("/"))


def _is_text(path: str) -> bool:
    """Whether a name is text: Linux takes any bytes, and those of GBK can be neither stored nor logged."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _declared(source: Source, relative: str) -> tuple[Extract, date] | None:
    matches = [(extract, day) for extract in source.extracts if (day := extract.delivered_on(relative))]
    if len(matches) > 1:
        names = " and ".join(extract.name for extract, _ in matches)
        msg = f"{source.name}/{relative} is a file of {names}: the declared paths must tell them apart"
        raise FileOfTwoExtracts(msg)
    return matches[0] if matches else None


# --- copying -----------------------------------------------------------------------------------------------


def _batches(files: Iterable[_Delivered]) -> Iterator[list[_Delivered]]:
    batch: list[_Delivered] = []
    size = 0
    for each in files:
        batch.append(each)
        size += each.file.size
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _copy(
    lake: Path, place: Folder | Bucket, source: Source, batch: Sequence[_Delivered], known: _Known
) -> dict[str, str]:
    """Copy files into landing; return the SHA-256 of each, by path, that was the same before and after.

    The place is listed again when all of the batch is copied, so that a file has the longest time there is
    to show that it is still growing.
    """
    copies: dict[str, tuple[str, Path, int]] = {}
    try:
        for each in batch:
            folder = lake / "landing" / each.extract.source / each.extract.name
            private_folder(folder, lake)
            temporary = lake_files.temporary_name(folder / "copy")
            copies[each.file.path] = ("", temporary, 0)
            copies[each.file.path] = _copy_one(place, each.file, temporary)
        after = {file.path: file for file in place.files(source.name)}
        whole: dict[str, str] = {}
        with Placing() as placing:
            for each in batch:
                sha256, temporary, size = copies[each.file.path]
                if after.get(each.file.path) != each.file or size != each.file.size:
                    continue
                whole[each.file.path] = sha256
                known.add(each.file, sha256, temporary.stat().st_mtime_ns)
                receipt = each.receipt(sha256)
                landed_path = receipt.landed_path(lake)
                needed = not landed_path.exists() and not receipt.was_read(lake)
                if needed and not placing.holds(landed_path):
                    private_file(temporary, READ_ONLY)
                    placing.move(temporary, landed_path)
    finally:
        for _, temporary, _ in copies.values():
            temporary.unlink(missing_ok=True)
    known.write(lake)
    return whole


def _copy_one(place: Folder | Bucket, file: Found, temporary: Path) -> tuple[str, Path, int]:
    digest, size = hashlib.sha256(), 0
    with temporary.open("xb") as copy:
        for piece in place.pieces(file):
            digest.update(piece)
            size += copy.write(piece)
    return digest.hexdigest(), temporary, size


# --- what is known -----------------------------------------------------------------------------------------


@dataclass
class _Known:
    """Which bytes the files of a place had when they were last read, so that they are not read again.

    A cache: without it every file is read once more, and nothing else changes.
    """

    place: str
    source: str
    files: dict[str, tuple[str, str]] = field(default_factory=dict)  # path → version, SHA-256
    changed: bool = False

    @classmethod
    def read(cls, lake: Path, place: Folder | Bucket, source: str) -> _Known:
        known = cls(str(place), source)
        try:
            content = json.loads(known._path(lake).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # a cache that cannot be read is an empty one
            return known
        if content.get("place") == known.place:
            known.files = {path: tuple(entry) for path, entry in content["files"].items()}
        return known

    def _path(self, lake: Path) -> Path:
        return lake / "known_files" / f"{self.source}.json"

    def holds(self, each: _Delivered, lake: Path) -> bool:
        sha256 = self.sha256(each.file)
        receipt = each.receipt(sha256)
        return bool(sha256) and (receipt.landed_path(lake).exists() or receipt.was_read(lake))

    def sha256(self, file: Found) -> str:
        version, sha256 = self.files.get(file.path, ("", ""))
        return sha256 if version == file.version else ""

    def add(self, file: Found, sha256: str, copied_ns: int) -> None:
        settled = file.settled_after_ns is None or copied_ns - file.settled_after_ns > TIME_STEP_NS
        if file.version is not None and settled:
            self.files[file.path] = (file.version, sha256)
            self.changed = True

    def write(self, lake: Path) -> None:
        if not self.changed:
            return
        content = json.dumps(
            {"place": self.place, "files": self.files}, ensure_ascii=False, indent=0, sort_keys=True
        )
        lake_files.write_text(self._path(lake), content)


def _names_that_came(lake: Path, source: Source) -> set[str]:
    """The receipts' names without the content."""
    folder = lake / "receipts" / source.name
    return {_without_content(path.relative_to(folder.parent).as_posix()) for path in folder.glob("*/*.json")}


def _without_content(receipt_name: str) -> str:
    return receipt_name.rpartition("__")[0]


def _arrival(each: _Delivered, receipt: Receipt, place: Folder | Bucket, lake: Path) -> bytes:
    """Whence and when a file came, for people: file systems' times, which nothing here reads again."""
    landed_at = places.as_instant(receipt.landed_path(lake).stat().st_mtime_ns)
    content = {
        "source": receipt.source,
        "extract": receipt.extract,
        "delivered_on": receipt.delivered_on.isoformat(),
        "file": receipt.file,
        "sha256": receipt.sha256,
        "bytes": receipt.bytes,
        "came_from": place.url(each.file),
        "written_at": each.file.modified_at,
        "landed_at": landed_at,
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
