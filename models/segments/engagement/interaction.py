"""Interaction: how much attention a customer pays to what we send and show.

attention_score is the mid-rank, times 100, of the attention points of 90 days: 3 for a reply, 2 for a
click, 1 for a message opened and 1 for a day with a visit. Source: definitions part 8, section 19
(attention_score), part 2, SG37.

    none     not one point
    high     rank of at least `high_share`     middle  of at least `middle_share`     low  below
    unknown  neither messages nor web events are delivered, or points of nobody to rank against

The bands are ours. A rank is stated in points: the smallest whole number of points with that rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("high", "middle", "low", "none", "unknown")
FEATURES = ("customer_id", "attention_points_90d", "opens_90d", "visits_90d")
COLUMNS = {"attention_score": "double", "attention_basis": "varchar"}
RANKED = ("attention_points_90d",)
BASES = ("messages_and_visits", "messages", "visits")
NEVER_POINTS = 999_999_999


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the attention bands. Raises ThresholdInvalid for a value that makes no sense."""

    high_share: float = threshold(0.80, unit="mid-rank", reason="the fifth that pays most attention")
    middle_share: float = threshold(0.50, unit="mid-rank", reason="more than half of customers do")

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.01, 0.99, "high_share")
        check_within(self, 0.01, self.high_share, "middle_share")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: band, score, basis and reason.

    attention_score is 0 to 100, two decimals, null for `unknown`. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "attention bands")
    points = units.whole(features, "attention_points_90d", missing=-1)
    high = cutpoints.value_at("attention_points_90d", thresholds.high_share)
    middle = cutpoints.value_at("attention_points_90d", thresholds.middle_share)
    ranked = high is not None
    positions = np.select(
        [
            points < 0,
            points == 0,
            np.full(len(points), not ranked),
            points >= (high if ranked else NEVER_POINTS),
            points >= (middle if ranked else NEVER_POINTS),
        ],
        range(5),
        5,
    )
    rank = cutpoints.mid_rank("attention_points_90d", np.where(points < 0, np.nan, points))
    opens = features["opens_90d"].notna().to_numpy()
    visits = features["visits_90d"].notna().to_numpy()
    columns = reasons.reason_columns(positions, _reasons(high, middle, thresholds))
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "attention_score": np.round(rank * 100, 2),
            "attention_basis": reasons.labels(
                np.select([opens & visits, opens, visits], range(3), -1), BASES
            ),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(high: float | None, middle: float | None, thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    high_from = NEVER_POINTS if high is None else int(high)
    middle_from = NEVER_POINTS if middle is None else int(middle)
    high_percent = round(100 * thresholds.high_share, 2)
    middle_percent = round(100 * thresholds.middle_share, 2)
    return (
        reasons.reason("unknown", "INT_UNKNOWN"),
        reasons.reason("none", "INT_NONE"),
        reasons.reason("unknown", "INT_NO_REFERENCE"),
        reasons.reason("high", "INT_HIGH", high_from=high_from, high_percent=high_percent),
        reasons.reason(
            "middle",
            "INT_MIDDLE",
            high_from=high_from,
            high_percent=high_percent,
            middle_from=middle_from,
            middle_percent=middle_percent,
        ),
        reasons.reason("low", "INT_LOW", middle_from=middle_from, middle_percent=middle_percent),
    )
