"""Features of who and where customers are, drawn for the crowd."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

COLUMNS: tuple[str, ...] = (
    "age_band",
    "customer_kind",
    "city",
    "city_tier",
    "urban_rural",
    "family_size",
    "business_orders_w",
    "family_net_w",
    "lifestyle_group",
    "lifestyle_basis",
    "has_lifestyle_answer",
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

GROUPS = ("innovative", "urban", "family", "quality", "price_conscious", "quiet", "traditional")
BASES = ("lifestyle", "life_value", "motive")


def draw(rng: np.random.Generator, row: dict[str, Any]) -> dict[str, Any]:
    """A value, or null, for each of COLUMNS, of the customer `row` (the columns drawn before it)."""
    city, tier, urban_rural = CITIES[rng.integers(len(CITIES))]
    basis = (None, *BASES)[rng.integers(4)]
    spend = (None, Decimal(0), Decimal("0.29"), Decimal("0.30"), Decimal("0.9"))[rng.integers(5)]
    return {
        "age_band": (None, "young", "middle", "senior")[rng.integers(4)],
        "customer_kind": (None, "consumer", "consumer", "company")[rng.integers(4)],
        "city": city,
        "city_tier": tier,
        "urban_rural": urban_rural,
        "family_size": (None, 1, 2, 3, 5)[rng.integers(5)],
        "business_orders_w": None if rng.random() < 0.3 else int(rng.integers(row["orders_w"] + 1)),
        "family_net_w": None if spend is None else round(max(row["net_w"], Decimal(0)) * spend, 2),
        "lifestyle_group": GROUPS[rng.integers(len(GROUPS))] if basis else None,
        "lifestyle_basis": basis,
        "has_lifestyle_answer": True if basis else (None, False, True)[rng.integers(3)],
    }
