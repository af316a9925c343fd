"""Features of who and where customers are, drawn for the crowd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

COLUMNS: tuple[str, ...] = (
    "age_band",
    "customer_kind",
    "city",
    "city_tier",
    "urban_rural",
)
"""Null for a customer nobody drew: an extract that is absent."""

CITIES = (
    *(("a city", tier, "urban") for tier in ("tier1", "new_tier1", "tier2", "tier3", "tier4", "tier5")),
    ("village of tier5", "tier5", "rural"),
    ("village of no tier", None, "rural"),
    ("listed, nothing else known", "tier1", None),
    ("unlisted", None, None),
    ("urban, no tier", None, "urban"),
    (None, None, None),
)


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""
    city, tier, urban_rural = CITIES[rng.integers(len(CITIES))]
    return {
        "age_band": (None, "young", "middle", "senior")[rng.integers(4)],
        "customer_kind": (None, "consumer", "consumer", "company")[rng.integers(4)],
        "city": city,
        "city_tier": tier,
        "urban_rural": urban_rural,
    }
