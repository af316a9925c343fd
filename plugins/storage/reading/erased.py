"""Whose rows an erasure takes, by keyed hashes alone: of raw, and of what is delivered later.

A row is a person's when a column that names customers names the person; or when it names no customer, but a
thing of the person's: an order line that says only its order. The things are the single keys, and the
documents, of extracts with a customer column.

An erasure's record holds hashes of the person's id and of the ids of those things, never the ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.reading.pseudonym import hashed
from storage.reading.row_checks import literal, quoted

if TYPE_CHECKING:
    from datetime import date

    from storage.declaration import Extract, Source

PURPOSE = "erasure"

# Names the canonical entities have for customers; a source's own are the customer columns it declares.
_CUSTOMER_NAMES = frozenset({"customer_id", "referrer_id", "referee_id"})


class ErasureKeyChanged(ValueError):
    """A person was erased under another hash key, so a late delivery cannot be searched for them."""


@dataclass(frozen=True)
class Erased:
    """One person erased from one source: who, by hash, and up to which day of delivery they stay away.

    `things` is column → hashes of the values by which rows without a customer are the person's.
    """

    source: str
    day: date
    key_name: str
    customer: str
    things: Mapping[str, Sequence[str]] = field(default_factory=dict)


def customer_columns(source: Source, extract: Extract) -> list[str]:
    """The columns of an extract that name a customer of its source."""
    names = _CUSTOMER_NAMES | {other.customer_column for other in source.extracts if other.customer_column}
    return [name for name in extract.column_names if name in names]


def thing_columns(source: Source) -> list[str]:
    """The columns that name one thing of one customer, in whatever extract of the source they stand."""
    things: list[str] = []
    for extract in source.extracts:
        if extract.customer_column:
            people = customer_columns(source, extract)
            single = [key for key in (extract.key, extract.document) if len(key) == 1]
            things += [name for (name,) in single if name not in (*people, "_record")]
    return sorted(set(things))


def spelled(source: Source, value: str) -> str:
    """SQL: an id as it is hashed, of the SQL of a value; null for a blank one.

    Where ids are whole numbers, 0012, 12 and 12.0 are one.
    """
    text = f"nullif(trim(cast({value} as varchar)), '')"
    if not source.numbered_ids:
        return text
    return f"coalesce(cast(try_cast(try_cast({text} as decimal(38, 2)) as bigint) as varchar), {text})"


def customer_hash(source: Source, value: str) -> str:
    """SQL: the hash an erasure knows a customer by, of the SQL of a value."""
    return hashed(f"{literal(source.name)} || chr(0) || {spelled(source, value)}", PURPOSE)


def thing_hash(source: Source, column: str, value: str) -> str:
    """SQL: the hash an erasure knows a thing of a customer by."""
    name = literal(f"{source.name}\0{column}").replace("\0", "' || chr(0) || '")
    return hashed(f"{name} || chr(0) || nullif(trim(cast({value} as varchar)), '')", PURPOSE)


def names_person(source: Source, extract: Extract, erased: Sequence[Erased]) -> str:
    """SQL: whether a row names one of these people."""
    people = sorted({each.customer for each in erased})
    columns = customer_columns(source, extract)
    if not people or not columns:
        return "false"
    wanted = ", ".join(map(literal, people))
    named = (f"coalesce({customer_hash(source, quoted(column))} in ({wanted}), false)" for column in columns)
    return f"({' or '.join(named)})"


def names_only_their_thing(source: Source, extract: Extract, erased: Sequence[Erased]) -> str:
    """SQL: whether a row names no customer at all, and a thing of one of these people."""
    cases = []
    for column in thing_columns(source):
        things = sorted({thing for each in erased for thing in each.things.get(column, ())})
        if things and column in extract.column_names:
            wanted = ", ".join(map(literal, things))
            cases.append(f"coalesce({thing_hash(source, column, quoted(column))} in ({wanted}), false)")
    if not cases:
        return "false"
    people = [f"{spelled(source, quoted(name))} is null" for name in customer_columns(source, extract)]
    return " and ".join([*people, f"({' or '.join(cases)})"])


def of_delivery(
    source: Source, extract: Extract, delivered_on: date, erased: Sequence[Erased], key_name: str | None
) -> str:
    """SQL: whether a row delivered on a day is of somebody who was erased on that day or later; "" if nobody.

    Raises ErasureKeyChanged when that cannot be told.
    """
    mine = [each for each in erased if each.source == source.name and delivered_on <= each.day]
    concerned = customer_columns(source, extract) or set(thing_columns(source)) & set(extract.column_names)
    if not mine or not concerned:
        return ""
    strange = sorted({each.key_name for each in mine} - {key_name})
    if strange:
        msg = (
            f"{source.name}.{extract.name} delivered on {delivered_on} may hold people who were erased under "
            f"the hash key {', '.join(strange)}; the key now is {key_name or 'none'}: read it with that key"
        )
        raise ErasureKeyChanged(msg)
    found = {names_person(source, extract, mine), names_only_their_thing(source, extract, mine)} - {"false"}
    return " or ".join(f"({condition})" for condition in sorted(found))
