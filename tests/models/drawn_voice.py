"""Features of what they need, say and recommend, drawn for the crowd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

COLUMNS: tuple[str, ...] = ()
"""Null for a customer nobody drew: an extract that is absent."""


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""
    return {}
