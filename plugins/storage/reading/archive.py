"""The bytes of a delivered file, decompressed, with the archive's checksum checked."""

from __future__ import annotations

import fnmatch
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = 1 << 20  # bytes read at once, and at most decompressed at once times four

# A text no source sends: one that decompresses to more than so many times its size, once it is large. Texts
# are 5 to 20 times smaller compressed, the most repetitive ones 200 times; a bomb a thousand times and more.
LARGEST_RATIO = 500
LARGE = 256 << 20  # bytes

SUFFIXES = (".gz", ".zst", ".zip")

_GZIP = 16 + zlib.MAX_WBITS
_ENCRYPTED = 0x1
# What archivers of one system put beside a file for its own use.
_NOT_MEANT = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


class ArchiveBroken(ValueError):
    """A compressed file that cannot be read to its end: `truncated_archive`, `corrupt_archive`,
    `encrypted_archive`, `archive_members` (not the one file there should be in it) or `archive_bomb`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def pieces(path: Path, member: str | None = None) -> Iterator[bytes]:
    """Yield the decompressed bytes of a `.gz`, `.zst` or `.zip` file, or the bytes of any other.

    A `.zip` must hold exactly one file, or one whose name is like the pattern `member`. Raises ArchiveBroken
    after the last bytes that could be read: DuckDB's reader says nothing of a missing end or a wrong
    checksum. Several archives written one after the other are one file, as gzip and zstd have it.
    """
    if path.suffix not in SUFFIXES:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        return
    if path.suffix == ".zip":
        found = _unzipped(path, member)
    else:
        found = _gunzipped(path) if path.suffix == ".gz" else _unpacked_zstd(path)
    size, sent = 0, path.stat().st_size
    for piece in found:
        size += len(piece)
        if size > LARGE and size > LARGEST_RATIO * sent:
            msg = f"decompresses to more than {LARGEST_RATIO} times its size"
            raise ArchiveBroken("archive_bomb", msg)
        yield piece


def _gunzipped(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        archive, started, waiting = zlib.decompressobj(_GZIP), False, b""
        while waiting or (waiting := file.read(PIECE)):
            if archive.eof:  # padding with zeros is allowed between and after archives
                archive, started, waiting = zlib.decompressobj(_GZIP), False, waiting.lstrip(b"\0")
                continue
            try:
                started = True
                piece = archive.decompress(waiting, 4 * PIECE)
            except zlib.error as wrong:
                raise ArchiveBroken("corrupt_archive", f"the archive is corrupt: {wrong}") from wrong
            waiting = archive.unused_data if archive.eof else archive.unconsumed_tail
            if piece:
                yield piece
        if started and not archive.eof:
            raise ArchiveBroken("truncated_archive", "the archive ends before its end mark")


def _unpacked_zstd(path: Path) -> Iterator[bytes]:
    import pyarrow as pa

    if not path.stat().st_size:
        return
    with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, "zstd") as archive:
        while True:
            try:
                piece = archive.read(PIECE)
            except OSError as wrong:
                truncated = "truncated" in str(wrong).lower()
                reason = "truncated_archive" if truncated else "corrupt_archive"
                raise ArchiveBroken(reason, f"the archive is {reason.split('_', maxsplit=1)[0]}") from wrong
            if not piece:
                return
            yield piece


def _unzipped(path: Path, member: str | None) -> Iterator[bytes]:
    if not path.stat().st_size:
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as wrong:
        # The list of members stands at the end of a zip: without it, it is the end that is missing.
        with path.open("rb") as file:
            started = file.read(4) == b"PK\x03\x04"
        reason = "truncated_archive" if started else "corrupt_archive"
        raise ArchiveBroken(reason, "the archive has no readable list of what is in it") from wrong
    with archive:
        found = _the_member(archive, member)
        try:
            with archive.open(found) as content:
                while piece := content.read(PIECE):
                    yield piece
        except EOFError as wrong:
            raise ArchiveBroken("truncated_archive", "the archive ends inside the file in it") from wrong
        except (zipfile.BadZipFile, zlib.error, NotImplementedError) as wrong:
            raise ArchiveBroken("corrupt_archive", f"the archive is corrupt: {_said(wrong)}") from wrong


def _the_member(archive: zipfile.ZipFile, member: str | None) -> zipfile.ZipInfo:
    found = [
        each
        for each in archive.infolist()
        if not each.is_dir()
        and not each.filename.startswith(_NOT_MEANT[0])
        and each.filename.rpartition("/")[2] not in _NOT_MEANT
        and (member is None or fnmatch.fnmatchcase(each.filename, member))
    ]
    if len(found) != 1:
        wanted = "one" if member is None else f"one like {member}"
        raise ArchiveBroken("archive_members", f"{len(found)} files are in the archive, wanted is {wanted}")
    if found[0].flag_bits & _ENCRYPTED:
        raise ArchiveBroken("encrypted_archive", "the file in the archive is encrypted")
    return found[0]


def _said(error: Exception) -> str:
    """What an error says, without the name of the file in the archive."""
    return "wrong checksum" if "CRC" in str(error) else type(error).__name__
