"""The text of a delivered file as bytes that can be cut at line ends, and where those bytes stand in it.

Most encodings are cut as they are. In UTF-16, and where a delimiter can be half a character, bytes say
nothing before they are decoded: such a file is read as UTF-8, whole lines at a time, and every record is
still found by its bytes as sent.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Protocol

from storage.reading.archive import ArchiveBroken, pieces
from storage.reading.encoding import MARKS
from storage.reading.outcome import Place, SetAside

if TYPE_CHECKING:
    from pathlib import Path

# Decompressed bytes looked at together: some 80,000 lines of purchases, 100 MB of memory at most.
CHUNK = 8 << 20

# A line longer than this in a file that has to be decoded before it is cut: no text has such lines. Bytes.
LONGEST_LINE = 16 << 20


# What is sent in a text's place when something went wrong before it was sent; by its first bytes, in small.
_NO_TEXT = {
    b"<!doctype html": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML document",
    b"%pdf-": "a PDF",
    b"pk\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "a workbook or document of Office before 2007",
    b"\x1f\x8b": "a gzip archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"par1": "a Parquet file",
}


class Passage(Protocol):
    """Some lines of a file: `content`, of which the first line is the file's line `first_line`."""

    content: bytes
    first_line: int

    def place(self, start: int, end: int, line: int) -> Place:
        """The place of bytes `start` to `end` of `content`, which begin with its line `line` (0 = first)."""


class Content:
    """A text file being read: what is decompressed and not yet taken, and how far we are."""

    def __init__(self, path: Path, encoding: str, member: str | None, *, transcode: bool = False) -> None:
        self._pieces = pieces(path, member)
        self._encoding = encoding
        self._transcode = transcode or encoding.startswith("utf-16")
        self._started = False
        self._waiting = b""  # as sent: the start of a line whose end was not yet read
        self._undelivered = b""  # as sent: the lines of what was decoded and not yet taken
        self._offset, self._line = 0, 1

    @property
    def encoding(self) -> str:
        """What the bytes given out are encoded in."""
        return "utf-8" if self._transcode else self._encoding

    def fill(self, waiting: bytes) -> tuple[bytes, bool, ArchiveBroken | None]:
        """Add a chunk to what is `waiting`; also say whether the file ended, and whether it broke off there.

        Raises SetAside when the file says it is in another encoding than the declared one.
        """
        parts, size, at_end, broken = [self._waiting], 0, False, None
        self._waiting = b""
        while size < CHUNK and not at_end:
            try:
                piece = next(self._pieces, None)
            except ArchiveBroken as reason:
                broken, piece = reason, None
            if piece is None:
                at_end = True
            else:
                parts.append(piece)
                size += len(piece)
        if not self._started:
            self._started = True
            parts = [self._without_mark(b"".join(parts))]
        if self._transcode:
            parts = [self._decoded(b"".join(parts), at_end)]
        elif not at_end:
            # Whole lines are given out, so that nobody has to copy them to cut off half of one.
            whole = parts[-1].rfind(b"\n") + 1
            if whole:
                parts[-1], self._waiting = parts[-1][:whole], parts[-1][whole:]
        return b"".join((waiting, *parts)), at_end, broken

    def take(self, content: bytes, lines: int | None = None) -> Passage:
        """Take `content`, the next lines of what was given out, and say where they stand.

        `lines` is the number of line ends in it, where that was counted already.
        """
        if lines is None:
            lines = content.count(b"\n")
        passage: Passage
        if self._transcode:
            original = self._undelivered
            if content.endswith(b"\n"):
                original = original[: _line_ends(original, self._encoding)[lines - 1]]
            self._undelivered = self._undelivered[len(original) :]
            passage = _Decoded(content, self._line, original, self._offset, self._encoding)
            self._offset += len(original)
        else:
            passage = _AsSent(content, self._line, self._offset)
            self._offset += len(content)
        self._line += lines
        return passage

    def _without_mark(self, first: bytes) -> bytes:
        start = first.removeprefix(codecs.BOM_UTF8).lstrip()[:16].lower()
        for begins, what in _NO_TEXT.items():
            if start.startswith(begins):
                raise SetAside("wrong_format", f"the file is {what}")
        for mark, encoding in MARKS:
            if not first.startswith(mark):
                continue
            if self._encoding == "utf-16":
                self._encoding = encoding
            if encoding != self._encoding:
                detail = (
                    f"declared is {self._encoding}, the file begins with the byte order mark of {encoding}"
                )
                raise SetAside("not_decodable", detail)
            self._offset = len(mark)
            return first[len(mark) :]
        if self._encoding == "utf-16" and first:
            detail = "declared is utf-16, but no byte order mark says which; declare utf-16-le or utf-16-be"
            raise SetAside("not_decodable", detail)
        return first

    def _decoded(self, original: bytes, at_end: bool) -> bytes:
        """Whole lines in UTF-8, at the end of the file all there is; the rest waits for more bytes."""
        if not at_end:
            ends = _line_ends(original, self._encoding)
            whole = ends[-1] if len(ends) else 0
            original, self._waiting = original[:whole], original[whole:]
            if len(self._waiting) > LONGEST_LINE:
                raise SetAside("record_too_long", f"a line is longer than {LONGEST_LINE} bytes")
        self._undelivered += original
        try:
            return original.decode(self._encoding).encode("utf-8")
        except UnicodeDecodeError:
            return _readable_lines(original, self._encoding)


class _AsSent:
    """Lines that are given out as they were sent."""

    def __init__(self, content: bytes, first_line: int, offset: int) -> None:
        self.content = content
        self.first_line = first_line
        self._offset = offset

    def place(self, start: int, end: int, line: int) -> Place:
        return Place(self.first_line + line, self._offset + start, self.content[start:end])


class _Decoded:
    """Lines that were decoded: as sent they have as many line ends, and are found by counting them."""

    def __init__(self, content: bytes, first_line: int, original: bytes, offset: int, encoding: str) -> None:
        self.content = content
        self.first_line = first_line
        self._original = original
        self._offset = offset
        self._encoding = encoding

    def place(self, start: int, end: int, line: int) -> Place:
        ends = [0, *_line_ends(self._original, self._encoding)]
        lines = self.content.count(b"\n", start, end)
        first = ends[line]
        last = ends[line + lines] if self.content[end - 1 : end] == b"\n" else len(self._original)
        return Place(self.first_line + line, self._offset + first, self._original[first:last])


def _line_ends(original: bytes, encoding: str) -> list[int]:
    """Behind every line end of the bytes as sent."""
    import numpy as np

    wide = {"utf-16-le": "<u2", "utf-16-be": ">u2"}.get(encoding)
    if wide is None:
        return (np.flatnonzero(np.frombuffer(original, np.uint8) == ord("\n")) + 1).tolist()
    units = np.frombuffer(original, wide, count=len(original) // 2)
    return (2 * np.flatnonzero(units == ord("\n")) + 2).tolist()


def _readable_lines(original: bytes, encoding: str) -> bytes:
    """The lines in UTF-8; one that cannot be decoded begins with a byte no UTF-8 has, and is found by it."""
    decoded, start = [], 0
    ends = _line_ends(original, encoding)
    for end, line_end in (*((end, b"\n") for end in ends), (len(original), b"")):
        line = original[start:end]
        try:
            decoded.append(line.decode(encoding).encode("utf-8"))
        except UnicodeDecodeError:
            readable = line.decode(encoding, "ignore").replace("\n", "").encode("utf-8")
            decoded.append(b"\xff" + readable + line_end)
        start = end
    return b"".join(decoded)
