"""Value index: amount, frequency and referral in one number from 0 to 100.

    value_index = 100 * (.5 p(net) + .3 p(orders) + .2 p(crv)) / (weights of what is known)

over the window; p is the mid-rank over the reference population, rounded to four places. Without a referral
extract crv is null and its weight drops out: `value_index_coverage` says so. The index is a rank and no
money: it is never added to a customer's lifetime value, of which referrals are no part.

    high_value          among the top fifth of the reference population by the index
    standard            everybody else with orders and money in the window
    no_value_in_window  bought before, but nothing of value in the window
    prospect            never bought
    unknown             nobody to compare with

Source: definitions part 4, ME27, and SG28.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import quantiles, reasons, units
from models.thresholds import check_kinds, check_within, exact, refuse, threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("high_value", "standard", "no_value_in_window", "prospect", "unknown")
PARTS = {"net_w": "net_rank", "orders_w": "orders_rank", "crv": "crv_rank"}
"""What the index is made of, and the column its rank is published in."""
FEATURES = ("customer_id", "orders_life", "orders_w", "net_w", "crv")
RANKED = tuple(PARTS)
COLUMNS = {
    **dict.fromkeys(PARTS.values(), "double"),
    "value_index": "double",
    "value_index_coverage": "double",
    "is_high_value": "boolean",
}
STEP = 0.01
"""What the index is rounded to."""


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the value index. Raises ThresholdInvalid for a value that makes no sense."""

    net_weight: float = threshold(0.5, unit="weight", reason="amount first; the definition's")
    orders_weight: float = threshold(0.3, unit="weight", reason="then frequency; the definition's")
    crv_weight: float = threshold(0.2, unit="weight", reason="then who was brought along; the definition's")
    top_share: float = threshold(0.20, unit="share of customers", reason="the fifth of the 80/20 rule")

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 1, "net_weight", "orders_weight", "crv_weight")
        if exact(self.net_weight) + exact(self.orders_weight) + exact(self.crv_weight) != 1:
            refuse(self, "net_weight", "weights of net, orders and crv that add up to 1")
        check_within(self, 0.001, 0.5, "top_share")


def fit(features: pd.DataFrame, thresholds: Thresholds) -> dict[str, float | int | None]:
    """The least index of the top fifth of customers with an order; null where there is nobody.

    Ranks are those the artifact's own reference quantiles will give.
    """
    import numpy as np

    bought = units.whole(features, "orders_life") > 0
    if not bought.any():
        return {"high_value_from": None}
    values = {name: features[name].to_numpy(dtype=np.float64, na_value=np.nan)[bought] for name in PARTS}
    ranks = {
        name: quantiles.mid_rank(part, quantiles.reference_points(part[~np.isnan(part)] + 0.0))
        for name, part in values.items()
    }
    index, _ = combined(ranks, thresholds)
    index = np.sort(index[~np.isnan(index)])
    return {"high_value_from": quantiles.value_at(index, 1 - thresholds.top_share, STEP)}


def combined(ranks: Mapping[str, np.ndarray], thresholds: Thresholds) -> tuple[np.ndarray, np.ndarray]:
    """The index of the mid-ranks of PARTS, two places, and the share of the weights that is known.

    In whole numbers until the one division: ranks in ten-thousandths, weights in millionths. Null without
    any part.
    """
    import numpy as np

    total = np.zeros(len(next(iter(ranks.values()))), dtype=np.int64)
    weight = np.zeros_like(total)
    for name, rank in ranks.items():
        part = int(exact(getattr(thresholds, f"{name.removesuffix('_w')}_weight")) * 1_000_000)
        known = ~np.isnan(rank)
        total += part * np.where(known, np.rint(np.where(known, rank, 0) * 10_000), 0).astype(np.int64)
        weight += part * known
    # Ten-thousandths of a rank are hundredths of the index. Halves are rounded up.
    hundredths = (2 * total + weight) // np.maximum(2 * weight, 1)
    return np.where(weight > 0, hundredths / 100, np.nan), weight / 1_000_000


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group, index and reason.

    Columns: customer_id, segment, a rank per part (four places), value_index (two; null for prospects),
    value_index_coverage (share of the weights that is known), is_high_value, reason_code, reason_params.
    Raises FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "the value index")
    bought = units.whole(features, "orders_life") > 0
    valuable = bought & (units.whole(features, "orders_w") > 0) & (units.cents(features, "net_w") > 0)
    ranks = {}
    for name in PARTS:
        values = features[name].to_numpy(dtype=np.float64, na_value=np.nan)
        rank = quantiles.mid_rank(values, cutpoints.reference_quantiles.get(name, ()))
        ranks[name] = np.round(np.where(bought, rank, np.nan), 4)
    index, coverage = combined(ranks, thresholds)
    cut = cutpoints.fitted.get("value_index", {}).get("high_value_from")
    compared = ~np.isnan(index) & (cut is not None)
    high = valuable & compared & (index >= (cut if cut is not None else 0))
    positions = np.select([~bought, ~valuable, ~compared, high], [0, 1, 2, 3], 4)
    high_from = {"high_value_from": 0.0 if cut is None else cut}
    columns = reasons.reason_columns(
        positions,
        (
            reasons.reason("prospect", "VI_PROSPECT"),
            reasons.reason("no_value_in_window", "VI_NO_VALUE"),
            reasons.reason("unknown", "VI_NO_REFERENCE"),
            reasons.reason("high_value", "VI_HIGH", **high_from),
            reasons.reason("standard", "VI_STANDARD", **high_from),
        ),
    )
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            **{column: ranks[name] for name, column in PARTS.items()},
            "value_index": index,
            "value_index_coverage": coverage,
            "is_high_value": high,
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
