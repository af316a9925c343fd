"""Usage: who uses the product now, who did once, and who never has.

    active      used on at least `active_days` of the last 30 days
    occasional  used in the last 30 days, on fewer days
    lapsed      used before, not in the last 30 days
    never_used  not one use on record
    unknown     usage events are not delivered

The groups are ours; the definitions ask for usage frequency, time and scenario (part 2, SV15), which stand
beside them in the published table. Never having used is told apart from having stopped, because the first
calls for teaching and the second for asking why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("active", "occasional", "lapsed", "never_used", "unknown")
FEATURES = ("customer_id", "usage_days_30d", "last_used_on")
COLUMNS: dict[str, str] = {}


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the usage groups. Raises ThresholdInvalid for a value that makes no sense."""

    active_days: int = threshold(
        4, unit="days of use in 30 days", reason="once a week is a habit; seldomer is an occasion"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 2, 30, "active_days")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group and reason. Raises FeatureMissing.

    `cutpoints` is part of every scheme's signature; nothing here is compared with other customers.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "usage groups")
    days = units.whole(features, "usage_days_30d", missing=-1)
    used_before = features["last_used_on"].notna().to_numpy()
    positions = np.select(
        [days < 0, (days == 0) & ~used_before, days == 0, days < thresholds.active_days], range(4), 4
    )
    columns = reasons.reason_columns(positions, _reasons(thresholds))
    return pd.DataFrame({"customer_id": features["customer_id"], **columns}, index=features.index)


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    return (
        reasons.reason("unknown", "USE_UNKNOWN"),
        reasons.reason("never_used", "USE_NEVER"),
        reasons.reason("lapsed", "USE_LAPSED"),
        reasons.reason("occasional", "USE_OCCASIONAL", active_days=thresholds.active_days),
        reasons.reason("active", "USE_ACTIVE", active_days=thresholds.active_days),
    )
