"""The bytes of a delivered file, decompressed, with the archive's checksum checked."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = 1 << 20  # bytes read at once, and at most decompressed at once times four

_GZIP = 16 + zlib.MAX_WBITS


class ArchiveBroken(ValueError):
    """A compressed file that cannot be read to its end: `truncated_archive` or `corrupt_archive`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes of a `.gz` file, or the bytes of any other.

    Raises ArchiveBroken after the last bytes that could be read: DuckDB's reader says nothing of a missing
    end or a wrong checksum. Several archives written one after the other are one file, as gzip has it.
    """
    if path.suffix == ".gz":
        yield from _decompressed(path)
        return
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _decompressed(path: Path) -> Iterator[bytes]:
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
