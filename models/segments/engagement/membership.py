"""Membership: who is a member, and whether the membership is alive.

    member_points_expiring  a member who loses `expiring_points` or more within 30 days unless they are used
    member_active           another member who bought, earned or redeemed within `active_days`
    member_dormant          another member: nothing for longer
    non_member              not a member
    unknown                 neither the profile nor a booking of points says

Expiring points come before activity, because they are the one reason to write today. Points that are not
delivered expire nobody; activity is then that of orders alone. The groups are ours; the columns beside them
are those of definitions part 2, SV19.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_above, check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("member_active", "member_points_expiring", "member_dormant", "non_member", "unknown")
FEATURES = ("customer_id", "is_member", "points_expiring_30d", "recency_days", "last_points_days")
COLUMNS: dict[str, str] = {}


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the membership groups. Raises ThresholdInvalid for a value that makes no sense."""

    expiring_points: int = threshold(
        100, unit="points", reason="fewer buy nothing, and are not worth a message"
    )
    active_days: int = threshold(
        180, unit="days since an order, or since points moved", reason="half a year without either"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_above(self, 0, "expiring_points")
        check_within(self, 1, 3650, "active_days")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group and reason. Raises FeatureMissing.

    `cutpoints` is part of every scheme's signature; nothing here is compared with other customers.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "membership groups")
    member = units.truths(features, "is_member")
    expiring = units.whole(features, "points_expiring_30d", missing=-1) >= thresholds.expiring_points
    alive = [
        units.whole(features, name, missing=reasons.NEVER_DAYS) <= thresholds.active_days
        for name in ("recency_days", "last_points_days")
    ]
    positions = np.select([member < 0, member == 0, expiring, alive[0] | alive[1]], range(4), 4)
    columns = reasons.reason_columns(positions, _reasons(thresholds))
    return pd.DataFrame({"customer_id": features["customer_id"], **columns}, index=features.index)


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    expiring = {"expiring_points": thresholds.expiring_points}
    alive = {**expiring, "active_days": thresholds.active_days}
    return (
        reasons.reason("unknown", "MEM_UNKNOWN"),
        reasons.reason("non_member", "MEM_NON_MEMBER"),
        reasons.reason("member_points_expiring", "MEM_POINTS_EXPIRING", **expiring),
        reasons.reason("member_active", "MEM_ACTIVE", **alive),
        reasons.reason("member_dormant", "MEM_DORMANT", **alive),
    )
