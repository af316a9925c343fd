"""Novelty: how readily a customer takes to what is new.

new_product_share_365d is the share of lines bought within 60 days from the product's launch, among lines
whose product has a known launch day; from three of those on. p is its mid-rank over the reference population:

    early_adopter  above zero and p >= .80, the same cut as the need for experience
    occasional     above zero
    follower       none
    unknown        too few lines with a known launch day, or nobody to compare with

Source: definitions part 2, SV21, and part 8, section 3 (experience).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import quantiles, reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("early_adopter", "occasional", "follower", "unknown")
FEATURES = ("customer_id", "new_product_share_365d")
RANKED = ("new_product_share_365d",)
COLUMNS = {"novelty_rank": "double"}
STEP = 0.0001
"""What the share is rounded to."""


@dataclass(frozen=True)
class Thresholds:
    """The number of novelty. Raises ThresholdInvalid for a value that makes no sense."""

    early_rank: float = threshold(
        0.80, unit="mid-rank", reason="the cut of the need for experience: the two must not contradict"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.5, 0.999, "early_rank")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: novelty, its rank, and reason.

    Columns: customer_id, segment, novelty_rank (mid-rank, 0 to 1, four places; null where unknown),
    reason_code, reason_params. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "novelty")
    share = features["new_product_share_365d"].to_numpy(dtype=np.float64, na_value=np.nan)
    reference = cutpoints.reference_quantiles.get("new_product_share_365d", ())
    known = ~np.isnan(share)
    early = quantiles.value_at(reference, thresholds.early_rank, STEP) if reference else None
    positions = np.select(
        [~known, share <= 0, np.full(len(share), early is None)],
        [0, 2, 1],
        3 if early is None else np.where(share >= early, 4, 3),
    )
    early = 0.0 if early is None else early
    columns = reasons.reason_columns(
        positions,
        (
            reasons.reason("unknown", "NV_FEW_LINES"),
            reasons.reason("unknown", "NV_NO_REFERENCE"),
            reasons.reason("follower", "NV_FOLLOWER"),
            reasons.reason("occasional", "NV_OCCASIONAL", early_from=early),
            reasons.reason("early_adopter", "NV_EARLY", early_from=early),
        ),
    )
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "novelty_rank": np.round(quantiles.mid_rank(share, reference), 4),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
