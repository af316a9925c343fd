"""Social: who is heard when they speak of us, who speaks, and who only nods.

influence_score is the mid-rank, times 100, of the influence points of 365 days: the sum over shares,
comments and likes of ln(1 + reach) times sentiment. Source: definitions part 8, section 19
(influence_score), part 2, SG39.

    influencer  a rank of at least `influencer_share`, with points above zero and `influencer_reach` persons
    active      shared or commented             passive  only liked
    none        no act in 365 days              unknown  social actions are not delivered

The groups are ours. A rank alone would always make somebody influential, also where nobody is heard; so the
reach counts in persons, too. Where there is nobody to rank against, nobody is an influencer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_above, check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("influencer", "active", "passive", "none", "unknown")
FEATURES = (
    "customer_id",
    "shares_365d",
    "comments_365d",
    "likes_365d",
    "reach_365d",
    "influence_points_365d",
)
COLUMNS = {"influence_score": "double"}
RANKED = ("influence_points_365d",)
POINT_STEP = 0.0001  # influence points have four decimals
NEVER_POINTS = 999_999_999.0


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the social groups. Raises ThresholdInvalid for a value that makes no sense."""

    influencer_share: float = threshold(0.90, unit="mid-rank", reason="the tenth that carries furthest")
    influencer_reach: int = threshold(
        1000, unit="persons reached in 365 days", reason="where word of mouth ends and an audience begins"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.01, 0.999, "influencer_share")
        check_above(self, -1, "influencer_reach")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group, score and reason.

    influence_score is 0 to 100, two decimals; null for `unknown`, and where no act tells reach and sentiment.
    Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "social groups")
    shares, comments, likes, reach = (
        units.whole(features, name, missing=-1)
        for name in ("shares_365d", "comments_365d", "likes_365d", "reach_365d")
    )
    points = features["influence_points_365d"].to_numpy(dtype=np.float64, na_value=np.nan)
    cut = cutpoints.value_at("influence_points_365d", thresholds.influencer_share, POINT_STEP)
    points_from = NEVER_POINTS if cut is None else cut
    heard = (points > 0) & (points >= points_from) & (reach >= thresholds.influencer_reach)
    positions = np.select(
        [shares < 0, shares + comments + likes == 0, heard, shares + comments > 0], range(4), 4
    )
    rank = cutpoints.mid_rank("influence_points_365d", np.where(shares < 0, np.nan, points))
    columns = reasons.reason_columns(positions, _reasons(points_from, thresholds))
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "influence_score": np.round(rank * 100, 2),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(points_from: float, thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    heard = {
        "points_from": points_from,
        "percent": round(100 * thresholds.influencer_share, 2),
        "reach_from": thresholds.influencer_reach,
    }
    return (
        reasons.reason("unknown", "SOC_UNKNOWN"),
        reasons.reason("none", "SOC_NONE"),
        reasons.reason("influencer", "SOC_INFLUENCER", **heard),
        reasons.reason("active", "SOC_ACTIVE", **heard),
        reasons.reason("passive", "SOC_PASSIVE", **heard),
    )
