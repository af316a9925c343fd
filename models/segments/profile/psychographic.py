"""Way of living, as customers themselves said in surveys; never inferred from what they buy.

The seed `lifestyle_groups` reads the answers. What somebody last said of the way they live (lifestyle) goes
before what they value (life_value), and that before why they buy (motive). An answer the seed has no row for
puts nobody anywhere. Interests read off purchases stand beside the group and say that they are behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

STATED = ("innovative", "urban", "family", "quality", "price_conscious", "quiet", "traditional")
GROUPS = (*STATED, "unknown")
BASES = ("lifestyle", "life_value", "motive")
FEATURES = ("customer_id", "lifestyle_group", "lifestyle_basis", "has_lifestyle_answer")
COLUMNS: dict[str, str] = {}


@dataclass(frozen=True)
class Thresholds:
    """Nothing to set: the answers and their groups are a seed."""


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: customer_id, segment and the reason.

    Cut-points and thresholds are part of every scheme's signature and not read. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "ways of living")
    group = units.positions(features, "lifestyle_group", STATED)
    basis = units.positions(features, "lifestyle_basis", BASES)
    answered = features["has_lifestyle_answer"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    stated = (group >= 0) & (basis >= 0)
    found = np.select(
        [stated, answered], [basis * len(STATED) + group, len(BASES) * len(STATED)], len(_REASONS) - 1
    )
    return pd.DataFrame(
        {"customer_id": features["customer_id"], **reasons.reason_columns(found, _REASONS)},
        index=features.index,
    )


_REASONS = (
    *(reasons.reason(group, f"PSY_{basis.upper()}", group=group) for basis in BASES for group in STATED),
    reasons.reason("unknown", "PSY_UNREADABLE"),
    reasons.reason("unknown", "PSY_NO_ANSWER"),
)
"""The order `assign` counts in."""
