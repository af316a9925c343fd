"""Reading the records of a JSON lines file: one object on every line.

Values go on as text, as sent: a string without its quotes, a number with the digits it was written in, a
nested list or object as its JSON. A key that is not there and a null are the same: no value.
"""

from __future__ import annotations

import json
from json.decoder import scanstring
from typing import TYPE_CHECKING, Any

from storage.reading.line_delivery import LineFile, LineUnreadable
from storage.reading.outcome import SetAside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.declaration import Extract
    from storage.reading.content import Content

_BLANK = " \t\r\n"


class JsonLinesFile(LineFile):
    """One JSON lines file being read. Keys that are not declared are the added columns, as they appear."""

    def __init__(self, content: Content, extract: Extract) -> None:
        super().__init__(content, extract)
        self._position = {name: position for position, name in enumerate(extract.sent_names)}
        self._seen: set[str] = set()
        self._objects = 0

    def values(self, line: bytes, encoding: str) -> list[str | None] | None:
        """The values of a line; None for a blank one."""
        text = line.decode(encoding).strip(_BLANK)
        if not text:
            return None
        members = _members(text)
        self._objects += 1
        values: list[str | None] = [None] * len(self._position)
        for key, value in members:
            position = self._position.get(key)
            if position is not None:
                values[position] = value
            elif key not in self.added_columns:
                self.added_columns += (key,)
            self._seen.add(key)
        return values

    def require_columns(self, records: int) -> None:
        """Raise SetAside when a required key was in none of the records; another one is missing, and null."""
        never = tuple(name for name in self.extract.sent_names if name not in self._seen)
        required = tuple(
            column.sent_name
            for column in self.extract.columns
            if column.required and column.sent_name in never
        )
        if self._objects and required:
            detail = f"in no record: {', '.join(required)}"
            raise SetAside("wrong_header", detail, records, required)
        self.missing_columns = never if self._objects else ()


def _members(text: str) -> Sequence[tuple[str, str | None]]:
    """The members of the one object a text is, values as text; None for null."""
    if text[:1] != "{":
        raise LineUnreadable("not_an_object", "the line is no JSON object")
    try:
        members = _flat(text)
        if members is None:
            members, end = _object(text)
            if end != len(text):
                raise LineUnreadable("broken_json", "something stands behind the object")
    except (json.JSONDecodeError, IndexError) as wrong:
        raise LineUnreadable("broken_json", "the line is no JSON") from wrong
    except RecursionError as wrong:
        raise LineUnreadable("broken_json", "the line is nested too deeply") from wrong
    keys = [key for key, _ in members]
    if len(set(keys)) < len(keys):
        raise LineUnreadable("repeated_key", "a key stands in the object more than once")
    if "\\u" in text:
        try:
            "".join(value for _, value in members if value).encode("utf-8")
        except UnicodeEncodeError as wrong:
            detail = "half a character is escaped (a lone surrogate)"
            raise LineUnreadable("not_decodable", detail) from wrong
    return members


def _flat(text: str) -> Sequence[tuple[str, str | None]] | None:
    """The members of an object without a list or an object in it, or None: three times as fast."""
    members = _FLAT.decode(text)
    kinds = {type(value) for _, value in members}
    if kinds & {tuple, list}:
        return None
    return [(key, _WORDS.get(value, value)) for key, value in members] if bool in kinds else members


def _object(text: str) -> tuple[list[tuple[str, str | None]], int]:
    """The members of the object at the start of a text, and where it ends."""
    members: list[tuple[str, str | None]] = []
    position = _behind_blanks(text, 1)
    if text[position] == "}":
        return members, position + 1
    while True:
        if text[position] != '"':
            raise json.JSONDecodeError("a key was expected", text, position)
        key, position = scanstring(text, position + 1, True)
        position = _behind_blanks(text, position)
        if text[position] != ":":
            raise json.JSONDecodeError("a colon was expected", text, position)
        start = _behind_blanks(text, position + 1)
        try:
            value, position = _VALUES.scan_once(text, start)
        except StopIteration as wrong:
            raise json.JSONDecodeError("a value was expected", text, start) from wrong
        if value is None:
            members.append((key, None))
        else:
            members.append((key, value if isinstance(value, str) else text[start:position]))
        position = _behind_blanks(text, position)
        if text[position] == "}":
            return members, position + 1
        if text[position] != ",":
            raise json.JSONDecodeError("a comma was expected", text, position)
        position = _behind_blanks(text, position + 1)


def _behind_blanks(text: str, position: int) -> int:
    while text[position] in _BLANK:
        position += 1
    return position


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise LineUnreadable("repeated_key", "a key stands in an object of the line more than once")
    return found


def _no_number(_: str) -> None:
    raise LineUnreadable("broken_json", "NaN and Infinity are no JSON")


_WORDS = {True: "true", False: "false"}
# An object becomes a tuple of its members, whose numbers stay the digits they were written in.
_FLAT = json.JSONDecoder(object_pairs_hook=tuple, parse_constant=_no_number, parse_int=str, parse_float=str)
# Numbers are only looked at, so that they may have any number of digits.
_VALUES = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_constant=_no_number, parse_int=bool, parse_float=bool
)
