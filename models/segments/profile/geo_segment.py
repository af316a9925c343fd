"""Place: the tier of the customer's city, with the countryside as a group of its own.

A city's tier is what was in force on the last day that is seen: the regions extract where it names the city,
else the dated list of the seed `city_tiers`. Rural goes before any tier: a village belongs to a city that has
one. A city that nothing in force names is unknown, never a tier. Source: definitions part 8, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

TIERS = ("tier1", "new_tier1", "tier2", "tier3", "tier4", "tier5")
GROUPS = (*TIERS, "rural", "unknown")
FEATURES = ("customer_id", "city", "city_tier", "urban_rural")
COLUMNS: dict[str, str] = {}


@dataclass(frozen=True)
class Thresholds:
    """Nothing to set: tiers come from dated lists."""


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: customer_id, segment and the reason.

    Cut-points and thresholds are part of every scheme's signature and not read. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "places")
    tier = units.positions(features, "city_tier", TIERS)
    rural = units.positions(features, "urban_rural", ("rural",)) == 0
    named = features["city"].notna().to_numpy()
    found = np.select([rural, tier >= 0, named], [len(TIERS), tier, len(TIERS) + 1], len(TIERS) + 2)
    return pd.DataFrame(
        {"customer_id": features["customer_id"], **reasons.reason_columns(found, _REASONS)},
        index=features.index,
    )


_REASONS = (
    *(reasons.reason(tier, f"GEO_{tier.upper()}") for tier in TIERS),
    reasons.reason("rural", "GEO_RURAL"),
    reasons.reason("unknown", "GEO_UNLISTED"),
    reasons.reason("unknown", "GEO_NO_CITY"),
)
"""The order `assign` counts in."""
