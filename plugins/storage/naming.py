"""What a delivered file's path says: that it is ours, and the day it was delivered on.

A declared path is a pattern below `<incoming>/<source>/`. Its placeholders are `{delivered_on}` or, when the
name carries the last day whose data the file holds, `{last_day}`: such a file is delivered the day after.
`{first_day}` may stand beside it and decides nothing. Each may say how it writes the day, as in
`{delivered_on:%Y%m%d}`. `*` stands for anything within one name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

_PLACEHOLDER = re.compile(r"\{(delivered_on|first_day|last_day)(?::([^{}]+))?\}")
_ISO = "%Y-%m-%d"
_DIRECTIVE = re.compile(r"%-?.?")
# Month and day are held to their ranges, so that a `*` beside them cannot shift a number by a digit unseen.
_NUMBERS = {
    "%Y": ("year", r"\d{4}"),
    "%y": ("short_year", r"\d{2}"),
    "%m": ("month", r"(?:0[1-9]|1[0-2])"),
    "%d": ("day", r"(?:0[1-9]|[12]\d|3[01])"),
    "%-m": ("month", r"(?:1[0-2]|0?[1-9])"),
    "%-d": ("day", r"(?:[12]\d|3[01]|0?[1-9])"),
}
_ANY_WIDTH = re.compile(r"%-[md]\}?[%\d{*]")


class PatternWrong(ValueError):
    """A declared path or marker that cannot name files; the message says why, not where."""


class DayAmbiguous(ValueError):
    """A file's name can be read as of two days by the declared path."""


@dataclass(frozen=True)
class PathPattern:
    """A declared path. Capital and small letters, and the ways Unicode writes one letter, are the same."""

    text: str

    def __post_init__(self) -> None:
        folders = self.text.split("/")[:-1]
        if self.text.startswith("/") or self.text.endswith("/") or {"", ".", ".."} & {*self.text.split("/")}:
            msg = "must name a file below the folder of the source"
            raise PatternWrong(msg)
        if any("*" in folder and not re.fullmatch(r"[^*=]+=\*", folder) for folder in folders):
            msg = "* may stand in the file name, and in a folder as the value of a partition: region=*"
            raise PatternWrong(msg)
        for placeholder, written in self._placeholders:
            _check_format(placeholder, written)
        if re.search(r"[{}]", _PLACEHOLDER.sub("", self.text)):
            msg = "knows the placeholders {delivered_on}, {first_day} and {last_day} only"
            raise PatternWrong(msg)
        if _ANY_WIDTH.search(self.text):
            msg = "%-m and %-d have no fixed width: a character that is no digit must follow them"
            raise PatternWrong(msg)
        says = {name: self._says(name) for name in ("delivered_on", "last_day", "first_day")}
        if bool(says["delivered_on"]) == bool(says["last_day"]):
            msg = "must say where {delivered_on} stands in it, or {last_day} in its place"
            raise PatternWrong(msg)
        for name, said in says.items():
            if said and said != {"year", "month", "day"}:
                msg = f"{{{name}}} must say year, month and day"
                raise PatternWrong(msg)

    def delivered_on(self, path: str) -> date | None:
        """The day a file at `path` was delivered on; None when it is not ours.

        Raises DayAmbiguous where a `*` lets the name be read as of two days: it is never guessed which.
        """
        days = [
            _day_of_delivery(found) for found in (each.fullmatch(_plain(path)) for each in self._patterns)
        ]
        if any(day != days[0] for day in days):
            read = " or ".join(str(day or "no day") for day in days)
            msg = f"{path} is delivered on {read} by {self.text}: name the days, a * must not stand for one"
            raise DayAmbiguous(msg)
        return days[0]

    def below_folder(self, path: str) -> str:
        """`path` without the leading folders in which the pattern leaves nothing open."""
        fixed = 0
        for folder in self.text.split("/")[:-1]:
            if "{" in folder or "*" in folder:
                break
            fixed += 1
        return "/".join(path.split("/")[fixed:])

    @cached_property
    def _placeholders(self) -> list[tuple[str, str]]:
        return [(name, written or _ISO) for name, written in _PLACEHOLDER.findall(self.text)]

    def _says(self, name: str) -> set[str]:
        written = "".join(each for placeholder, each in self._placeholders if placeholder == name)
        return {_NUMBERS[directive][0].removeprefix("short_") for directive in _DIRECTIVE.findall(written)}

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        """The pattern read with `*` as wide, and as narrow, as can be."""
        if "*" not in self.text:
            return (re.compile(self._regex("")),)
        return (re.compile(self._regex("[^/]*")), re.compile(self._regex("[^/]*?")))

    def _regex(self, anything: str) -> str:
        regex, end = "", 0
        for number, found in enumerate(_PLACEHOLDER.finditer(self.text)):
            regex += _literal(self.text[end : found.start()], anything)
            regex += _day_regex(found[2] or _ISO, f"{found[1]}_{number}")
            end = found.end()
        return regex + _literal(self.text[end:], anything)


@dataclass(frozen=True)
class MarkerPattern:
    """The name of the file that says another one is whole.

    `{file}` is the file's name, `{stem}` its name without suffixes, `{delivered_on}` its day. Without a slash
    the marker stands in the file's folder, with one it is a path below the folder of the source.
    """

    text: str

    def __post_init__(self) -> None:
        if {"", ".", ".."} & {*self.text.split("/")} or "*" in self.text:
            msg = "must be one name, or a path below the folder of the source, without *"
            raise PatternWrong(msg)
        for name, written in _PLACEHOLDER.findall(self.text):
            if name != "delivered_on":
                msg = f"knows {{file}}, {{stem}} and {{delivered_on}}, not {{{name}}}"
                raise PatternWrong(msg)
            _check_format(name, written or _ISO)
        if re.search(r"[{}]", re.sub(r"\{(file|stem)\}", "", _PLACEHOLDER.sub("", self.text))):
            msg = "knows {file}, {stem} and {delivered_on} only"
            raise PatternWrong(msg)
        if self.text == "{file}":
            msg = "must not be the file itself"
            raise PatternWrong(msg)

    def of(self, path: str, delivered_on: date) -> str:
        """The path of the marker of the file at `path`."""
        folder, _, file = path.rpartition("/")
        marker = _PLACEHOLDER.sub(lambda found: _written(found[2] or _ISO, delivered_on), self.text)
        marker = marker.replace("{stem}", file.partition(".")[0]).replace("{file}", file)
        return marker if "/" in self.text or not folder else f"{folder}/{marker}"


def same(path: str) -> str:
    """What two paths have in common that differ only in capitals or in how Unicode writes a letter."""
    return _plain(path)


def _written(how: str, day: date) -> str:
    values = {"year": f"{day.year:04}", "short_year": f"{day.year % 100:02}"}
    values |= {"month": f"{day.month:02}", "day": f"{day.day:02}"}

    def number(directive: re.Match[str]) -> str:
        digits = values[_NUMBERS[directive[0]][0]]
        return str(int(digits)) if directive[0].startswith("%-") else digits

    return _DIRECTIVE.sub(number, how)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _literal(text: str, anything: str) -> str:
    return anything.join(re.escape(_plain(part)) for part in text.split("*"))


def _check_format(placeholder: str, written: str) -> None:
    for directive in _DIRECTIVE.findall(written):
        if directive not in _NUMBERS:
            msg = f"{{{placeholder}:{written}}}: {directive} is not one of {', '.join(_NUMBERS)}"
            raise PatternWrong(msg)


def _day_regex(written: str, group: str) -> str:
    regex, end = "", 0
    for number, directive in enumerate(_DIRECTIVE.finditer(written)):
        part, digits = _NUMBERS[directive[0]]
        regex += re.escape(_plain(written[end : directive.start()]))
        regex += f"(?P<{group}_{number}_{part}>{digits})"
        end = directive.end()
    return regex + re.escape(_plain(written[end:]))


def _day_of_delivery(found: re.Match[str] | None) -> date | None:
    if found is None:
        return None
    parts: dict[str, dict[str, set[int]]] = {}
    for group, digits in found.groupdict().items():
        name, part = re.fullmatch(r"(.+?)_\d+_\d+_(.+)", group).groups()
        value = 2000 + int(digits) if part == "short_year" else int(digits)
        parts.setdefault(name, {}).setdefault(part.removeprefix("short_"), set()).add(value)
    days: dict[str, date] = {}
    for name, numbers in parts.items():
        if any(len(values) > 1 for values in numbers.values()):
            return None  # folder and file name say different days
        try:
            days[name] = date(*(values.pop() for _, values in sorted(numbers.items(), reverse=True)))
        except ValueError:  # looks like a day and is none, e.g. 2017-02-30
            return None
    last = days.get("delivered_on") or days["last_day"]
    if days.get("first_day", last) > last:
        return None
    return last + timedelta(days="last_day" in days)
