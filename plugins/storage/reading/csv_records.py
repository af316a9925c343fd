"""Cutting CSV bytes into records (RFC 4180), each with its place in the file.

Two ways lead to the same rows. `clean_records` looks at a whole chunk at once and vouches for it when every
quote stands where a quote may stand; such a chunk can be given to a fast parser. `exact_records` reads one
record after the other, and can say of a broken one where it is and go on behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# A record longer than this is taken for one whose quote was never closed. It bounds what is held in memory,
# and how far one stray quote makes us look ahead.
LONGEST_RECORD = 1 << 20

# Bytes counted together: they stay in the processor's cache. Two of them are shorter than a record may be.
_BLOCK = 128 << 10

_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_QUOTED_FIELD = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


@dataclass(frozen=True)
class Dialect:
    """How a file is written: its delimiter (one ASCII byte), its encoding, the columns of a record."""

    delimiter: bytes
    encoding: str
    columns: int


@dataclass(frozen=True)
class CleanRecords:
    """The complete records at the start of a chunk: where each starts and ends, its line end included.

    `line_ends` are the offsets of all newlines of the chunk, `end` is where what is complete ends.
    """

    starts: np.ndarray
    ends: np.ndarray
    line_ends: np.ndarray
    end: int


@dataclass(frozen=True, slots=True)
class ExactRecord:
    """One record: bytes `start` to `end` of the chunk, beginning on the chunk's line `line` (0 = the first).

    Without a `reason` its `fields` are the values, None where nothing stood between two delimiters. With one
    it cannot be read, and covers one physical line when it is a quote that went wrong.
    """

    start: int
    end: int
    line: int
    fields: list[str | None]
    reason: str | None = None
    detail: str = ""


def lines_are_records(chunk: bytes, records: int, dialect: Dialect) -> bool:
    """Whether every line of a chunk is a record and every quote opens or closes a field.

    `records` is how many a parser found that begins a quoted field at a quote behind a delimiter or line end,
    and saw as many columns in each as there are. Then it is enough to count: as many line ends as records, so
    none stands in quotes; as many delimiters as there must be, so none stands in quotes; and every quote
    beside a delimiter or line end, as many behind one as before one. The last line may lack its line end.
    """
    import numpy as np

    line_ends = returns = delimiters = quotes = opening = closing = pairs = 0
    before, delimiter = _NEWLINE, dialect.delimiter[0]  # a file stands as if between two lines
    quoted, returned = b'"' in chunk, b"\r" in chunk
    data = np.frombuffer(chunk, np.uint8)
    for start in range(0, len(chunk), _BLOCK):
        block = data[start : start + _BLOCK]
        is_end = block == _NEWLINE
        is_edge = block == delimiter
        found = int(np.count_nonzero(is_end))
        line_ends += found
        delimiters += int(np.count_nonzero(is_edge))
        is_edge |= is_end
        is_return = block == _RETURN if returned else is_end
        if returned:
            returns += int(np.count_nonzero(is_return))
            pairs += int(np.count_nonzero(is_return[:-1] & is_end[1:])) + int(before == _RETURN and is_end[0])
        if quoted:
            is_quote = block == _QUOTE
            quotes += int(np.count_nonzero(is_quote))
            opening += int(np.count_nonzero(is_quote[1:] & is_edge[:-1]))
            opening += int(is_quote[0] and before in {delimiter, _NEWLINE})
            is_edge |= is_return
            closing += int(np.count_nonzero(is_quote[:-1] & is_edge[1:])) + int(
                before == _QUOTE and is_edge[0]
            )
        # A line that fills a block may be longer than a record may be.
        if not found and len(block) == _BLOCK:
            return False
        before = int(block[-1])
    open_end = before != _NEWLINE
    closing += open_end and before == _QUOTE
    return (
        line_ends + open_end == records
        and delimiters == records * (dialect.columns - 1)
        and returns == pairs
        and opening == closing
        and opening + closing == quotes
    )


def clean_records(chunk: bytes, *, at_end: bool, dialect: Dialect) -> CleanRecords | None:
    """The records of a chunk whose every quote opens, closes or escapes as RFC 4180 has it, else None.

    The number of columns is not looked at. With `at_end` the last record needs no line end.
    """
    import numpy as np

    if not chunk:
        return None
    data = np.frombuffer(chunk, np.uint8)
    line_ends = np.flatnonzero(data == _NEWLINE)
    quotes = np.flatnonzero(data == _QUOTE) if b'"' in chunk else np.empty(0, np.int64)
    # Outside quotes an even number of quotes lies behind us; an escaped quote counts as closing and opening.
    ends = line_ends[np.searchsorted(quotes, line_ends) % 2 == 0] + 1
    if at_end and (not len(ends) or ends[-1] < len(chunk)):
        ends = np.append(ends, len(chunk))
    if not len(ends):
        return None
    end = int(ends[-1])
    starts = np.concatenate(([0], ends[:-1]))
    if (
        not _quotes_are_clean(data[:end], quotes[quotes < end], dialect.delimiter[0])
        or _has_stray_return(data[:end], chunk, quotes)
        or (ends - starts).max() > LONGEST_RECORD
    ):
        return None
    if len(quotes):
        inside = np.searchsorted(line_ends, ends - 1) > np.searchsorted(line_ends, starts)
        several = np.flatnonzero(inside).tolist()  # records of several lines
        if any(_are_lines_of_their_own(chunk[starts[i] : ends[i]], dialect) for i in several):
            return None
    if dialect.columns > 1:  # an empty line is no record, unless a record is one value, which may be missing
        length = ends - starts
        first = data[starts]
        filled = ~((first == _NEWLINE) | ((length == 2) & (first == _RETURN)))
        starts, ends = starts[filled], ends[filled]
    return CleanRecords(starts, ends, line_ends, end)


def _quotes_are_clean(data: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    import numpy as np

    if not len(quotes):
        return True
    if len(quotes) % 2:
        return False
    edge = np.full(2, _NEWLINE, np.uint8)  # a file stands as if between two lines
    padded = np.concatenate((edge[:1], data, edge))
    before = padded[quotes[0::2]]
    after, behind = padded[quotes[1::2] + 2], padded[quotes[1::2] + 3]
    field_start = (before == delimiter) | (before == _NEWLINE) | (before == _QUOTE)
    field_end = (after == delimiter) | (after == _NEWLINE) | (after == _QUOTE)
    return bool(np.all(field_start) and np.all(field_end | ((after == _RETURN) & (behind == _NEWLINE))))


def _has_stray_return(data: np.ndarray, chunk: bytes, quotes: np.ndarray) -> bool:
    """Whether a carriage return outside quotes lacks its newline; parsers disagree on what that is."""
    import numpy as np

    if b"\r" not in chunk:
        return False
    returns = np.flatnonzero(data == _RETURN)
    returns = returns[np.searchsorted(quotes, returns) % 2 == 0]
    followed = np.append(data, 0)[returns + 1] == _NEWLINE
    return not bool(np.all(followed))


def exact_records(
    chunk: bytes, *, at_end: bool, dialect: Dialect, until: int | None = None
) -> tuple[list[ExactRecord], int, int]:
    """Read the records of a chunk one by one; return them, the bytes and the physical lines they took.

    Records that start at `until` or later are left, though looked at to judge those before.

    What is left at the end needs more bytes to be judged: the next chunk starts with it. A field that begins
    with a quote must end with one, before a delimiter or line end; a quote elsewhere in a field is a
    character. A record whose quote goes wrong, or that spans lines and has the wrong number of columns,
    gives up its first line only, so one stray quote never swallows the good lines behind it.
    """
    records: list[ExactRecord] = []
    start = line = 0
    stop = len(chunk) if until is None else min(until, len(chunk))
    while start < stop:
        newline = chunk.find(b"\n", start)
        if newline < 0 and not at_end and len(chunk) - start <= LONGEST_RECORD:
            break
        line_end = newline + 1 if newline >= 0 else len(chunk)
        text = chunk[start:line_end]
        if text in {b"\n", b"\r\n"} and dialect.columns > 1:
            start, line = line_end, line + 1
            continue
        if b'"' not in text:
            record = _plain_record(text, start, line, dialect)
        else:
            record = _quoted_record(chunk, start, line_end, line, at_end, dialect)
            if record is None:
                break
        records.append(record)
        start, line = record.end, line + max(1, chunk.count(b"\n", record.start, record.end))
    return records, start, line


def _are_lines_of_their_own(record: bytes, dialect: Dialect) -> bool:
    """Whether what two quotes hold together is rather a record on every line, two with a stray quote.

    A text of several lines with just as many delimiters on each of them as a record has is no text. With
    fewer than four columns that could be chance.
    """
    lines = record.rstrip(b"\r\n").split(b"\n")
    delimiters = dialect.columns - 1
    return delimiters > 2 and all(line.count(dialect.delimiter) == delimiters for line in lines)


def _plain_record(text: bytes, start: int, line: int, dialect: Dialect) -> ExactRecord:
    end = start + len(text)
    text = text.removesuffix(b"\n").removesuffix(b"\r") if text.endswith(b"\n") else text
    values = text.split(dialect.delimiter)
    return _record(values, start, end, line, dialect)


def _quoted_record(
    chunk: bytes, start: int, line_end: int, line: int, at_end: bool, dialect: Dialect
) -> ExactRecord | None:
    """A record with quotes in its first line; None when the chunk ends before it can be judged."""
    values: list[bytes] = []
    limit = min(len(chunk), start + LONGEST_RECORD)
    more_may_come = not at_end and limit == len(chunk)
    position = start
    while True:
        if chunk[position : position + 1] == b'"':
            field = _QUOTED_FIELD.match(chunk, position, limit)
            field_end = field.end() if field else limit
            # A quote at the very end may turn out to be the first half of an escaped one.
            if field_end + 1 >= limit and more_may_come:
                return None
            after = chunk[field_end : field_end + 2]
            if field is None or not (
                after[:1] in {dialect.delimiter, b"\n"} or after == b"\r\n" or field_end == len(chunk)
            ):
                detail = f"the quote that opens column {len(values) + 1} is not closed before its end"
                return ExactRecord(start, line_end, line, [], "unclosed_quote", detail)
            values.append(field.group())
        else:
            newline = chunk.find(b"\n", position)
            if newline < 0 and not at_end and len(chunk) - start <= LONGEST_RECORD:
                return None
            newline = newline if newline >= 0 else len(chunk)
            delimiter = chunk.find(dialect.delimiter, position, newline)
            field_end = delimiter if delimiter >= 0 else newline
            if delimiter < 0 and newline < len(chunk) and chunk[newline - 1 : newline] == b"\r":
                field_end = max(position, newline - 1)
            values.append(chunk[position:field_end])
        if chunk[field_end : field_end + 1] != dialect.delimiter:
            break
        position = field_end + 1
    end = min(len(chunk), field_end + (2 if chunk[field_end : field_end + 1] == b"\r" else 1))
    if end > line_end and (
        len(values) != dialect.columns
        or end - start > LONGEST_RECORD
        or _are_lines_of_their_own(chunk[start:end], dialect)
    ):
        detail = "a quote opens that is closed only on a later line, in what is not one record"
        return ExactRecord(start, line_end, line, [], "unclosed_quote", detail)
    return _record(values, start, end, line, dialect)


def _record(values: list[bytes], start: int, end: int, line: int, dialect: Dialect) -> ExactRecord:
    if end - start > LONGEST_RECORD:
        detail = f"longer than {LONGEST_RECORD} bytes"
        return ExactRecord(start, end, line, [], "record_too_long", detail)
    if len(values) != dialect.columns:
        detail = f"{len(values)} columns, the header has {dialect.columns}"
        return ExactRecord(start, end, line, [], "wrong_column_count", detail)
    try:
        fields = [_text(value, dialect.encoding) for value in values]
    except UnicodeDecodeError as wrong:
        detail = f"not {dialect.encoding}: {wrong.reason}"
        return ExactRecord(start, end, line, [], "not_decodable", detail)
    return ExactRecord(start, end, line, fields)


def _text(value: bytes, encoding: str) -> str | None:
    if not value:
        return None
    if value[:1] == b'"':
        return value[1:-1].replace(b'""', b'"').decode(encoding)
    return value.decode(encoding)
