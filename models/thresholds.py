"""Thresholds: the numbers a scheme is made of, each with its unit and the reason for its default.

Every scheme keeps its numbers in a frozen `Thresholds` class beside the code that uses them. The classes are
built here from the same few parts, so that a wrong value is refused with the same kind of message: the class,
the field, what was given and what was wanted.
"""

from __future__ import annotations

from dataclasses import field, fields
from fractions import Fraction
from typing import Any


class ThresholdInvalid(ValueError):
    """A threshold has a value its scheme cannot work with; the message names the field."""


def threshold(default: Any, *, unit: str, reason: str) -> Any:
    """A field of a Thresholds class: its default, the unit it is in, and why the default is what it is."""
    return field(default=default, metadata={"unit": unit, "reason": reason})


def refuse(owner: Any, name: str, wanted: str) -> None:
    """Raise ThresholdInvalid for one field of `owner`, saying what was found and what was wanted."""
    found = getattr(owner, name)
    msg = f"{type(owner).__module__}.Thresholds.{name} is {found!r}; wanted {wanted}"
    raise ThresholdInvalid(msg)


def check_kinds(owner: Any) -> None:
    """Refuse a field whose value is not of its declared kind.

    A whole number may stand for a fraction, and a list (as a settings file writes it) for a tuple, which it
    is turned into. Booleans are never numbers.
    """
    for part in fields(owner):
        if "unit" not in part.metadata:
            continue
        found, default = getattr(owner, part.name), part.default
        if isinstance(default, tuple):
            if isinstance(found, list):
                found = tuple(found)
                object.__setattr__(owner, part.name, found)
            if not isinstance(found, tuple) or len(found) != len(default):
                refuse(owner, part.name, f"{len(default)} values, as in {list(default)}")
            pairs = [
                (value, model, isinstance(model, int)) for value, model in zip(found, default, strict=True)
            ]
        else:
            # the annotation decides, a string here: a default of 3 may well stand for a fraction
            pairs = [(found, default, part.type == "int")]
        for value, model, is_whole in pairs:
            if isinstance(model, str):
                if not isinstance(value, str):
                    refuse(owner, part.name, f"text, as in {default!r}")
            elif isinstance(value, bool) or not isinstance(value, int | float):
                refuse(owner, part.name, f"a number in {part.metadata['unit']}")
            elif is_whole and not isinstance(value, int):
                refuse(owner, part.name, f"a whole number in {part.metadata['unit']}")
            elif not abs(value) < float("inf"):
                refuse(owner, part.name, f"a finite number in {part.metadata['unit']}")


def check_above(owner: Any, bound: float, *names: str) -> None:
    """Refuse any named field that is not greater than `bound`."""
    for name in names:
        if not getattr(owner, name) > bound:
            refuse(owner, name, f"more than {bound}")


def check_within(owner: Any, low: float, high: float, *names: str) -> None:
    """Refuse any named field outside [low, high]."""
    for name in names:
        if not low <= getattr(owner, name) <= high:
            refuse(owner, name, f"between {low} and {high}")


def check_rising(owner: Any, *names: str) -> None:
    """Refuse any named tuple of numbers that is not strictly rising from above zero."""
    for name in names:
        values = getattr(owner, name)
        if not all(low < high for low, high in zip((0, *values[:-1]), values, strict=True)):
            refuse(owner, name, "positive numbers, each greater than the one before")


def check_cents(owner: Any, *names: str) -> None:
    """Refuse any named tuple of amounts that has a fraction of a cent, which no amount can equal."""
    for name in names:
        if any((exact(amount) * 100).denominator != 1 for amount in getattr(owner, name)):
            refuse(owner, name, "amounts with at most two decimal places")


def exact(number: float) -> Fraction:
    """The decimal number a person wrote, not the nearest double: 0.1 is 1/10."""
    return Fraction(str(number))
