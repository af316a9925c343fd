"""Reading the records of a delivered CSV file, a chunk at a time.

A chunk in which every line is a record is given to Arrow's CSV parser, and counting its delimiters, quotes
and line ends shows that the parser saw what is there. One whose quotes hold line ends or delimiters has its
records cut out first. One in which anything is odd is read record by record. All three give the same rows;
only the time differs.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

from storage.reading.csv_records import (
    LONGEST_RECORD,
    Dialect,
    clean_records,
    exact_records,
    lines_are_records,
)
from storage.reading.outcome import Reject, SetAside
from storage.reading.text_delivery import Chunk, Place, without_empty_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from storage.declaration import Extract
    from storage.reading.content import Content

# In a chunk with something odd in it, bytes looked at together, so that few good lines take the slow way
# with it.
WINDOW = 256 << 10


class CsvFile:
    """One CSV file being read: where in it we are, and what its header said."""

    def __init__(self, content: Content, extract: Extract) -> None:
        self._content = content
        self._extract = extract
        self._dialect = Dialect(extract.delimiter.encode("ascii"), content.encoding, 0)
        self._header: list[str] = []
        self.added_columns: tuple[str, ...] = ()
        self.missing_columns: tuple[str, ...] = ()
        self._record = 0
        self._odd_for = 0  # for as many bytes we know that something odd is near

    def chunks(self) -> Iterator[Chunk]:
        """Yield the file's records, some at a time.

        Raises SetAside when the archive, the header or the whole file is not what was declared, after
        reading to the end, so that its records are counted.
        """
        waiting, wrong_header, at_end = b"", None, False
        started = False
        while not at_end:
            waiting, at_end, broken = self._content.fill(waiting)
            if not started:
                if not waiting and not broken:
                    raise SetAside("empty_file", "the file holds nothing, not even a header")
                waiting, wrong_header = self._take_header(waiting)
                started = True
            while waiting and (at_end or b"\n" in waiting or len(waiting) > LONGEST_RECORD):
                chunk, taken = self._chunk(waiting, at_end)
                if not taken:
                    break
                waiting = waiting[taken:]
                if wrong_header is None:
                    yield chunk
            if broken is not None:
                raise SetAside(broken.reason, str(broken), self._record)
        if wrong_header is not None:
            wrong_header.rows_in = self._record
            raise wrong_header

    def _take_header(self, content: bytes) -> tuple[bytes, SetAside | None]:
        header, newline, rest = content.partition(b"\n")
        self._content.take(header + newline)
        names: list[str] = []
        wrong = None
        # The first block may have told the encoding.
        self._dialect = replace(self._dialect, encoding=self._content.encoding)
        try:
            text = header.removesuffix(b"\r").decode(self._dialect.encoding)
            names = next(csv.reader([text], delimiter=self._extract.delimiter, strict=True), [])
        except UnicodeDecodeError:
            wrong = SetAside("not_decodable", f"the header is not {self._dialect.encoding}")
        except csv.Error as unreadable:
            wrong = SetAside("wrong_header", f"the header cannot be read: {unreadable}")
        if wrong is None:
            wrong = wrong_names(names, self._extract)
        self._header = names
        self.added_columns = tuple(name for name in names if name not in self._extract.sent_names)
        self._dialect = replace(self._dialect, columns=len(names))
        return rest, wrong

    def _chunk(self, waiting: bytes, at_end: bool) -> tuple[Chunk, int]:
        """The next records, and how many bytes they took."""
        found = None
        if self._odd_for <= 0:
            found = self._simple_chunk(waiting, at_end) or self._clean_chunk(waiting, at_end)
            if found is None:
                self._odd_for = len(waiting)
        if found is None and len(waiting) > WINDOW:
            found = self._clean_chunk(waiting[:WINDOW], at_end=False)
        chunk, taken = found or self._exact_chunk(waiting, at_end)
        self._odd_for -= taken
        self._record += chunk.records
        return chunk, taken

    def _parse_fast(self, content: bytes, *, lines_in_quotes: bool) -> pa.Table | None:
        """The records as text by Arrow's parser, or None when it cannot read them.

        Not to look for line ends in quotes saves it a tenth of its time.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        names = [str(position) for position in range(len(self._header))]
        wanted = [str(self._header.index(name)) for name in self._extract.sent_names if name in self._header]
        if len(wanted) < len(self._extract.columns):
            return None
        try:
            content = _as_utf8(content, self._dialect.encoding)
            rows = arrow_csv.read_csv(
                pa.BufferReader(content),
                # One thread and one block: the order of rows and the bytes of raw hang on neither.
                arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
                arrow_csv.ParseOptions(
                    delimiter=self._extract.delimiter,
                    newlines_in_values=lines_in_quotes,
                    ignore_empty_lines=self._dialect.columns > 1,
                ),
                arrow_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    include_columns=wanted,
                ),
            )
        except (UnicodeDecodeError, pa.ArrowInvalid):
            return None
        rows = rows.rename_columns(list(self._extract.column_names))
        return without_empty_numbers(rows, self._extract) if b'""' in content else rows

    def _simple_chunk(self, waiting: bytes, at_end: bool) -> tuple[Chunk, int] | None:
        """The records of a chunk in which every line is one, if it is so."""
        end = len(waiting) if at_end else waiting.rfind(b"\n") + 1
        content = waiting[:end]
        rows = self._parse_fast(content, lines_in_quotes=False) if content else None
        if rows is None or not lines_are_records(content, rows.num_rows, self._dialect):
            return None
        passage = self._content.take(content, rows.num_rows - (not content.endswith(b"\n")))
        starts: list[int] = []

        def place(row: int) -> Place:
            if not starts:
                starts.extend((0, *_behind_line_ends(content), len(content)))
            return passage.place(starts[row], starts[row + 1], row)

        return self._of_rows(rows, place), end

    def _clean_chunk(self, waiting: bytes, at_end: bool) -> tuple[Chunk, int] | None:
        """The complete records of a chunk, if there is nothing odd in it."""
        import numpy as np

        clean = clean_records(waiting, at_end=at_end, dialect=self._dialect)
        rows = self._parse_fast(waiting[: clean.end], lines_in_quotes=True) if clean is not None else None
        if clean is None or rows is None or rows.num_rows != len(clean.starts):
            return None
        passage = self._content.take(waiting[: clean.end])

        def place(row: int) -> Place:
            start = int(clean.starts[row])
            return passage.place(start, int(clean.ends[row]), int(np.searchsorted(clean.line_ends, start)))

        return self._of_rows(rows, place), clean.end

    def _of_rows(self, rows: pa.Table, place: Callable[[int], Place]) -> Chunk:
        import numpy as np

        numbers = np.arange(self._record + 1, self._record + 1 + rows.num_rows)
        return Chunk(rows, numbers, place, rejects=(), records=rows.num_rows)

    def _exact_chunk(self, waiting: bytes, at_end: bool) -> tuple[Chunk, int]:
        import numpy as np
        import pyarrow as pa

        records, end, _ = exact_records(waiting, at_end=at_end, dialect=self._dialect, until=WINDOW)
        passage = self._content.take(waiting[:end])
        numbered = list(enumerate(records, self._record + 1))
        good = [(number, record) for number, record in numbered if record.reason is None]
        there = [column for column in self._extract.columns if column.sent_name in self._header]
        positions = [self._header.index(column.sent_name) for column in there]
        names = [column.name for column in there]
        rows = pa.table(
            [
                pa.array([record.fields[position] for _, record in good], pa.string())
                for position in positions
            ],
            names=names,
        )
        rejects = []
        for number, record in numbered:
            if record.reason is not None:
                place = passage.place(record.start, record.end, record.line)
                rejects.append(Reject.at(place, number, record.reason, record.detail))
        chunk = Chunk(
            rows=without_empty_numbers(rows, self._extract),
            numbers=np.array([number for number, _ in good], np.int64),
            place=lambda row: passage.place(good[row][1].start, good[row][1].end, good[row][1].line),
            rejects=rejects,
            records=len(records),
        )
        return chunk, end


def wrong_names(names: list[str], extract: Extract) -> SetAside | None:
    """What is wrong with the names of a file's columns, if anything is."""
    declared = extract.sent_names
    missing = tuple(name for name in declared if name not in names)
    twice = sorted({name for name in names if name in declared and names.count(name) > 1})
    if missing:
        return SetAside("wrong_header", f"missing: {', '.join(missing)}", missing_columns=missing)
    if twice:
        return SetAside("wrong_header", f"there more than once: {', '.join(twice)}")
    return None


def _as_utf8(content: bytes, encoding: str) -> bytes:
    if encoding == "utf-8" and content.isascii():
        return content
    text = content.decode(encoding)
    return content if encoding == "utf-8" else text.encode("utf-8")


def _behind_line_ends(content: bytes) -> list[int]:
    import numpy as np

    found = np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n")) + 1
    return found[found < len(content)].tolist()
