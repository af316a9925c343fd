"""Reading the records of a fixed-width file: every column at its declared place on the line.

Blanks that fill a column up are the format's, not the value's: they do not go on. A column of nothing but
blanks has no value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.reading.line_delivery import LineFile, LineUnreadable

if TYPE_CHECKING:
    from storage.declaration import Extract
    from storage.reading.content import Content


class FixedWidthFile(LineFile):
    """One fixed-width file being read. Places are counted in characters, or where declared so in bytes."""

    def __init__(self, content: Content, extract: Extract) -> None:
        super().__init__(content, extract)
        self._in_bytes = extract.positions == "bytes"
        self._places = [
            (column.start - 1, column.start - 1 + column.width)
            for column in extract.columns
            if column.start is not None and column.width is not None
        ]
        self._width = max(end for _, end in self._places)
        self._heading = extract.header_lines

    def values(self, line: bytes, encoding: str) -> list[str | None] | None:
        """The values of a line; None for an empty one, and for the heading."""
        if self._heading:
            self._heading -= 1
            return None
        if not line:
            return None
        text = line.decode(encoding)
        length = len(line) if self._in_bytes else len(text)
        behind = line[self._width :].strip() if self._in_bytes else text[self._width :].strip()
        if length < self._width or behind:
            unit = "bytes" if self._in_bytes else "characters"
            detail = f"{length} {unit}, a record has {self._width}"
            raise LineUnreadable("wrong_length", detail)
        if self._in_bytes:
            cut = [line[start:end].decode(encoding) for start, end in self._places]
        else:
            cut = [text[start:end] for start, end in self._places]
        return [value.strip(" ") or None for value in cut]
