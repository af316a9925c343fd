"""Purchase time: the part of the day in which a customer mostly buys, by the shop's local clock.

    morning 6 to 11    noon 11 to 18    evening 18 to 24    night 0 to 6

A part is preferred when at least half of the orders of the window fall into it, and more than into any
other; otherwise the times are mixed. From three orders with a time of day on: a source that tells the day
only leaves its customers unknown, not at midnight. Source: definitions part 2, SV12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

BANDS = ("morning", "noon", "evening", "night")
GROUPS = (*BANDS, "mixed", "unknown")
FEATURES = ("customer_id", *(f"share_{band}" for band in BANDS))
COLUMNS = {"preferred_time_share": "double"}


@dataclass(frozen=True)
class Thresholds:
    """The number of the purchase times. Raises ThresholdInvalid for a value that makes no sense."""

    min_share: float = threshold(
        0.50, unit="share of orders", reason="a message at that hour meets the customer every other time"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.25, 1, "min_share")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: part of the day, its share, and reason.

    Columns: customer_id, segment, preferred_time_share (of the part with the most orders; null where
    unknown), reason_code, reason_params. Nothing is fitted. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "purchase times")
    shares = np.column_stack(
        [features[f"share_{band}"].to_numpy(dtype=np.float64, na_value=np.nan) for band in BANDS]
    )
    known = ~np.isnan(shares).any(axis=1)
    shares = np.where(known[:, None], shares, 0)
    most = shares.max(axis=1, initial=0)
    alone = (shares == most[:, None]).sum(axis=1) == 1
    preferred = alone & (most >= thresholds.min_share)
    positions = np.select([~known, preferred], [5, shares.argmax(axis=1)], 4)
    columns = reasons.reason_columns(
        positions,
        (
            *(reasons.reason(band, f"TM_{band.upper()}", min_share=thresholds.min_share) for band in BANDS),
            reasons.reason("mixed", "TM_MIXED", min_share=thresholds.min_share),
            reasons.reason("unknown", "TM_FEW_TIMES"),
        ),
    )
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "preferred_time_share": np.where(known, most, np.nan),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
