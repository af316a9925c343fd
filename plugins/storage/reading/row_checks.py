"""What every row must keep to by its declaration, as one SQL expression that names the first thing broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from storage import date_format

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import date

    from storage.declaration import Column, Extract

# DuckDB casts more than anyone means: '1.5' becomes the integer 2, '1_0' ten, 'epoch' a timestamp, and an
# offset from UTC is read over without a word. What is cast must first look like what it is.
_NUMBER = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_DAY = r"\s*[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_TIME = r"([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?"
_UTC = r"(Z|[+-]00(:?00)?)?"
_LOOKS = {
    "bigint": r"\s*[+-]?[0-9]+(\.0*)?\s*",
    "double": _NUMBER,
    "decimal": _NUMBER,
    "date": _DAY + r"\s*",
    "timestamp": _DAY + _TIME + r"\s*",
}
# The ASCII characters as Chinese and Japanese keyboards write them, and the blank.
_HALF_WIDTH = "".join(map(chr, range(0x21, 0x7F))).replace("'", "''") + "  "
_FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000\u00a0"
# More than clocks are ever changed by, so that what is surely in time needs no closer look.
_CLOCKS_CHANGE = timedelta(hours=3)


@dataclass(frozen=True)
class Promise:
    """Something every row promises of a column; `broken` is true in SQL for a row that does not keep it."""

    column: str
    reason: str
    detail: str
    broken: str


@dataclass(frozen=True)
class RowChecks:
    """The promises of an extract's rows, in the order looked at; the first one broken is the reason.

    `before` says of an event's column until when, in the file's time zone, it surely is in time.
    """

    promises: tuple[Promise, ...]
    columns: tuple[Column, ...] = ()
    before: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def first_broken(self) -> str:
        """SQL: the index of the first promise a row breaks, null when it keeps them all."""
        return self.first_broken_of({promise.column for promise in self.promises})

    def first_broken_of(self, columns: Collection[str]) -> str:
        """SQL: the same, where all but these columns are known to keep their promises."""
        cases = " ".join(
            f"when {promise.broken} then {i}"
            for i, promise in enumerate(self.promises)
            if promise.column in columns
        )
        return f"(case {cases} end)" if cases else "cast(null as integer)"


def row_checks(
    extract: Extract,
    delivered_on: date,
    zones: tuple[str, str],
    cast: Callable[[Column], str] | None = None,
) -> RowChecks:
    """The promises of the rows of one delivery.

    `zones` are the time zone of naive timestamps in the file and the one in which the local date of an event
    is taken. `cast` gives the SQL of a column's value in its declared type, null where it has none; without
    it the columns are text.
    """
    from_text = cast is None
    promises: list[Promise] = []
    before = {}
    for column in extract.columns:
        value = _from_text(column) if cast is None else cast(column)
        promises += _column_promises(column, value, from_text, zones[0])
        if column.name == extract.event_column:
            detail = f"column {column.name}: its local date is after the day of the delivery"
            surely = before[column.name] = _surely_in_time(delivered_on, column, zones)
            broken = _is_after(delivered_on, column, value, zones, surely)
            promises.append(Promise(column.name, "after_delivery", detail, broken))
    return RowChecks(tuple(promises), extract.columns, before)


def _surely_in_time(delivered_on: date, column: Column, zones: tuple[str, str]) -> datetime:
    """The instant, in the file's time zone, before which no value's local date is after the delivery's."""
    if column.kind == "date":
        return datetime.combine(delivered_on + timedelta(days=1), time())
    day_ends = datetime.combine(delivered_on + timedelta(days=1), time(), ZoneInfo(zones[1]))
    return day_ends.astimezone(ZoneInfo(zones[0])).replace(tzinfo=None) - _CLOCKS_CHANGE


def _is_after(
    delivered_on: date, column: Column, value: str, zones: tuple[str, str], surely: datetime
) -> str:
    """SQL: whether the local date of a value lies after the day of the delivery.

    Most values are surely earlier, which one comparison says; only near the end of the day and behind it is
    the time zone asked, which costs thirty times as much.
    """
    if column.kind == "date":
        return f"{value} > date '{delivered_on}'"
    local = f"timezone({literal(zones[1])}, timezone({literal(zones[0])}, {value}))"
    return f"({value} >= timestamp '{surely}' and cast({local} as date) > date '{delivered_on}')"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def spelt_alike(value: str) -> str:
    """SQL: a text without what spellings of one value differ in: case, full width, blanks around it.

    `Ａｐｐ ` and `app` are one value, as Unicode's compatibility forms (NFKC) of both are.
    """
    return f"lower(trim(translate(nfc_normalize({value}), '{_FULL_WIDTH}', '{_HALF_WIDTH}'), ' \t\r\n'))"


def _from_text(column: Column) -> str:
    name = quoted(column.name)
    if column.date_format:
        return written_as(column, name)
    return name if column.kind == "varchar" else f"try_cast({name} as {column.data_type})"


def written_as(column: Column, text: str) -> str:
    """SQL: the day or instant a text says in the column's `date_format`, null where it is none."""
    written = column.date_format or ""
    fits = f"regexp_full_match({text}, {literal(date_format.look(written))})"
    return f"(case when {fits} then cast(try_strptime({text}, {literal(written)}) as {column.data_type}) end)"


def _column_promises(column: Column, value: str, from_text: bool, zone: str) -> Iterator[Promise]:
    name, prefix = quoted(column.name), f"column {column.name}: "
    if column.required:
        blank = f"or trim({name}) = ''" if column.kind == "varchar" else ""
        yield Promise(
            column.name, "missing_value", prefix + "required, and blank", f"({name} is null {blank})"
        )
    if not (from_text and column.kind == "varchar"):
        detail = prefix + f"not a {column.data_type}"
        if column.date_format:
            detail += f" written {column.date_format}"
        broken = f"{name} is not null and {_is_not_one(column, name, value, from_text, zone)}"
        yield Promise(column.name, f"not_a_{column.kind}", detail, broken)
    bounds = (("below_minimum", "<", column.minimum), ("above_maximum", ">", column.maximum))
    for reason, sign, bound in bounds:
        if bound is not None:
            wanted = f"cast({literal(bound)} as {column.data_type if column.kind != 'bigint' else 'double'})"
            words = reason.replace("_", " ")
            yield Promise(column.name, reason, f"{prefix}{words} {bound}", f"{value} {sign} {wanted}")
    if column.values:
        accepted = ", ".join(literal(value) for value in column.values)
        alike = ", ".join(spelt_alike(literal(value)) for value in column.values)
        detail = prefix + "not one of the accepted values"
        # An empty value is a missing one: whether it may be missing is `required`'s business.
        broken = f"{name} <> '' and {name} not in ({accepted}) and {spelt_alike(name)} not in ({alike})"
        yield Promise(column.name, "not_an_accepted_value", detail, broken)


def _is_not_one(column: Column, name: str, value: str, from_text: bool, zone: str) -> str:
    finite = f"or not isfinite({value})" if column.kind in {"double", "date", "timestamp"} else ""
    if not from_text or column.date_format:
        return f"({value} is null {finite})"
    look = _LOOKS.get(column.kind)
    if look is None:
        return f"{value} is null"
    if column.kind == "timestamp" and zone in {"UTC", "Etc/UTC"}:
        look = _DAY + _TIME + _UTC + r"\s*"
    # What DuckDB would write itself needs no second look; most values are like that.
    unlike = f"(cast({value} as varchar) <> {name} and not regexp_full_match({name}, '{look}'))"
    return f"({value} is null or {unlike} {finite})"
