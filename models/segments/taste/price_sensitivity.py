"""Price sensitivity: how much a customer's purchases hang on discounts, against everybody else's.

The discount sensitivity index (DSI) is .8 of the share of list price that was discounted and .2 of the share
of orders with a discount, over the window, from three orders with a list price on. Its mid-rank p over the
reference population makes deciles and groups:

    high    p >= .80, the same cut as the price need's
    middle  the rest
    low     p < .40, or no discount at all: where most never had one their mid-rank says middle, they do not
    unknown too few orders, or a reference population without any discount to compare with

Source: definitions part 8, sections 0 (mid-rank), 3 (price need) and 12 (DSI).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import quantiles, reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("high", "middle", "low", "unknown")
FEATURES = ("customer_id", "dsi_value")
RANKED = ("dsi_value",)
COLUMNS = {"dsi_decile": "integer"}
STEP = 0.0001
"""What the index is rounded to."""


@dataclass(frozen=True)
class Thresholds:
    """The numbers of price sensitivity. Raises ThresholdInvalid for a value that makes no sense."""

    high_rank: float = threshold(
        0.80, unit="mid-rank", reason="the price need's cut: the two of them must not contradict"
    )
    low_rank: float = threshold(
        0.40, unit="mid-rank", reason="at most that much of DSI lets a need for quality and brand stand"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.5, 0.999, "high_rank")
        check_within(self, 0.001, self.high_rank, "low_rank")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group, decile and reason.

    Columns: customer_id, segment, dsi_decile (1 to 10, null where unknown), reason_code, reason_params.
    Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "price sensitivity")
    dsi = features["dsi_value"].to_numpy(dtype=np.float64, na_value=np.nan)
    reference = cutpoints.reference_quantiles.get("dsi_value", ())
    known = ~np.isnan(dsi)
    comparable = bool(reference) and reference[-1] > 0
    if comparable:
        low = quantiles.value_at(reference, thresholds.low_rank, STEP)
        high = quantiles.value_at(reference, thresholds.high_rank, STEP)
        deciles = [quantiles.value_at(reference, tenth / 10, STEP) for tenth in range(1, 10)]
        positions = np.select([~known, dsi <= 0, dsi < low, dsi < high], [0, 2, 3, 4], 5)
        decile = np.where(known, 1 + np.searchsorted(deciles, dsi, side="right"), 0)
    else:
        low = high = 0.0
        positions = np.where(known, 1, 0)
        decile = np.zeros(len(dsi), dtype=np.int64)
    columns = reasons.reason_columns(
        positions,
        (
            reasons.reason("unknown", "PS_FEW_ORDERS"),
            reasons.reason("unknown", "PS_NO_REFERENCE"),
            reasons.reason("low", "PS_NO_DISCOUNT"),
            reasons.reason("low", "PS_LOW", low_below=low),
            reasons.reason("middle", "PS_MIDDLE", low_below=low, high_from=high),
            reasons.reason("high", "PS_HIGH", high_from=high),
        ),
    )
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "dsi_decile": pd.arrays.IntegerArray(decile.astype(np.int32), decile == 0),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
