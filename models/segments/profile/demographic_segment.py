"""Age: young, middle or senior people, and companies apart.

Age says nothing about a company, whoever's birthday its record holds: companies are a group of their own, so
that the scheme stays total and exclusive. A person whose age nobody tells is unknown. Bands: definitions
part 8, section 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

BANDS = ("young", "middle", "senior")
GROUPS = (*BANDS, "company", "unknown")
FEATURES = ("customer_id", "age_band", "customer_kind")
COLUMNS: dict[str, str] = {}


@dataclass(frozen=True)
class Thresholds:
    """Nothing to set: the bands are a feature."""


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: customer_id, segment and the reason.

    Cut-points and thresholds are part of every scheme's signature and not read. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "ages")
    band = units.positions(features, "age_band", BANDS)
    company = units.positions(features, "customer_kind", ("company",)) == 0
    found = np.select([company, band >= 0], [len(BANDS), band], len(BANDS) + 1)
    return pd.DataFrame(
        {"customer_id": features["customer_id"], **reasons.reason_columns(found, _REASONS)},
        index=features.index,
    )


_REASONS = tuple(reasons.reason(group, f"DG_{group.upper()}") for group in GROUPS)
"""The order `assign` counts in."""
