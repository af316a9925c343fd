"""Reading the records of a file that has one on every line, whatever the line looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.reading.csv_records import LONGEST_RECORD
from storage.reading.outcome import Reject, SetAside
from storage.reading.text_delivery import Chunk, without_empty_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.declaration import Extract
    from storage.reading.content import Content


class LineUnreadable(ValueError):
    """A line that is no record of its format. The message never tells what stands in it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class LineFile:
    """One file being read line by line. What a line says is for the format to know: `values`."""

    def __init__(self, content: Content, extract: Extract) -> None:
        self.extract = extract
        self.added_columns: tuple[str, ...] = ()
        self.missing_columns: tuple[str, ...] = ()
        self._content = content
        self._record = 0

    def values(self, line: bytes, encoding: str) -> list[str | None] | None:
        """The values of a line, without its end, in the order of the declared columns; None for no record.

        Raises LineUnreadable, or UnicodeDecodeError.
        """
        raise NotImplementedError

    def chunks(self) -> Iterator[Chunk]:
        """Yield the file's records, some at a time.

        Raises SetAside when there is nothing in it, or its archive is broken, after reading to the end.
        """
        waiting, at_end, anything = b"", False, False
        while not at_end:
            waiting, at_end, broken = self._content.fill(waiting)
            anything = anything or bool(waiting.strip())
            end = waiting.rfind(b"\n") + 1
            # An endless line is cut, and never held whole.
            if at_end or len(waiting) - end > LONGEST_RECORD:
                end = len(waiting)
            if end:
                yield self._chunk(waiting[:end])
                waiting = waiting[end:]
            if broken is not None:
                raise SetAside(broken.reason, str(broken), self._record)
        if not anything:
            raise SetAside("empty_file", "the file holds nothing")
        self.require_columns(self._record)

    def require_columns(self, records: int) -> None:
        """Raise SetAside when a column that must be there was in none of so many records."""

    def _chunk(self, content: bytes) -> Chunk:
        import numpy as np
        import pyarrow as pa

        passage, encoding = self._content.take(content), self._content.encoding
        places: list[tuple[int, int, int]] = []
        numbers: list[int] = []
        good: list[list[str | None]] = []
        rejects: list[Reject] = []
        start, before = 0, self._record
        for number, line in enumerate(_lines(content)):
            end = start + len(line)
            try:
                if len(line) > LONGEST_RECORD:
                    raise LineUnreadable("record_too_long", f"longer than {LONGEST_RECORD} bytes")
                values = self.values(line.removesuffix(b"\n").removesuffix(b"\r"), encoding)
            except LineUnreadable as wrong:
                self._record += 1
                place = passage.place(start, end, number)
                rejects.append(Reject.at(place, self._record, wrong.reason, str(wrong)))
            except UnicodeDecodeError as wrong:
                self._record += 1
                place, detail = passage.place(start, end, number), f"not {encoding}: {wrong.reason}"
                rejects.append(Reject.at(place, self._record, "not_decodable", detail))
            else:
                if values is not None:
                    self._record += 1
                    numbers.append(self._record)
                    places.append((start, end, number))
                    good.append(values)
            start = end
        names = self.extract.column_names
        columns = zip(*good, strict=True) if good else ((),) * len(names)
        rows = pa.table([pa.array(values, pa.string()) for values in columns], names=list(names))
        return Chunk(
            rows=without_empty_numbers(rows, self.extract),
            numbers=np.array(numbers, np.int64),
            place=lambda row: passage.place(*places[row]),
            rejects=rejects,
            records=self._record - before,
        )


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines of some bytes with their ends, cut at newlines only."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1 or len(content)
        yield content[start:end]
        start = end
