"""Price tier: whether a customer buys the dear, the usual or the cheap of each category.

price_level is the mean over the window's lines of the unit price, before discounts, over the median of its
category; from three lines on. With mean and standard deviation of the reference population:

    premium  price_level > mean + sd
    budget   price_level < mean - sd, or else who said their budget is limited and is not premium
    mid      the rest
    unknown  too few lines that can be compared, or too few customers to compare with

Where a few buy very dear things the standard deviation may exceed the mean, and nobody is cheap: the setting
`scale: log` takes mean and deviation of the logarithms.

Being on a budget is not being price-sensitive: who waits for discounts may well buy the dearest, and the
price level does not see discounts. Income says nothing here alone; it is published beside the tier. Source:
definitions part 8, sections 12 (price level; Clerk's cheaper and expensive) and 19 (price_tier); SG22, SG23.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_above, check_kinds, check_within, refuse, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("premium", "mid", "budget", "unknown")
FEATURES = ("customer_id", "price_level", "budget_stated")
COLUMNS = {"price_tier_basis": "varchar"}
BASES = ("price", "stated", "both")
MILLION = 1_000_000
NEVER = 999_999.0
"""No price level is that high: a cut nobody reaches."""


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the price tiers. Raises ThresholdInvalid for a value that makes no sense."""

    deviations: float = threshold(
        1.0, unit="standard deviations", reason="Clerk's cheaper and expensive are one away from the mean"
    )
    scale: str = threshold(
        "linear", unit="linear or log", reason="the definition's; log where a few very dear buyers stretch sd"
    )
    min_customers: int = threshold(
        30, unit="customers with a price level", reason="of fewer a standard deviation says little"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_above(self, 0, "deviations")
        if self.scale not in {"linear", "log"}:
            refuse(self, "scale", "'linear' or 'log'")
        check_within(self, 2, 10**9, "min_customers")


def fit(features: pd.DataFrame, thresholds: Thresholds) -> dict[str, float | int | None]:
    """Mean, standard deviation and the two cuts of the reference population; null where it is too small.

    On the logarithmic scale mean is the geometric one and sd that of the logarithms. Sums are of whole
    millionths, so the rows' order changes nothing.
    """
    import numpy as np

    levels = features["price_level"].to_numpy(dtype=np.float64, na_value=np.nan)
    levels = levels[(units.whole(features, "orders_life") > 0) & ~np.isnan(levels)]
    n = len(levels)
    if n < thresholds.min_customers:
        return {"customers": n, "mean": None, "sd": None, "cheaper_below": None, "expensive_above": None}
    is_log = thresholds.scale == "log"
    parts, counts = np.unique(
        np.rint((np.log(levels) if is_log else levels) * MILLION).astype(np.int64), return_counts=True
    )
    pairs = list(zip(parts.tolist(), counts.tolist(), strict=True))
    total = sum(part * count for part, count in pairs)
    squares = sum(part * part * count for part, count in pairs)
    mean, sd = total / n / MILLION, sqrt(n * squares - total * total) / n / MILLION
    low, high = mean - thresholds.deviations * sd, mean + thresholds.deviations * sd
    if is_log:
        mean, low, high = exp(mean), exp(low), exp(high)
    return {
        "customers": n,
        "mean": round(mean, 4),
        "sd": round(sd, 4),
        "cheaper_below": round(low, 4),
        "expensive_above": round(high, 4),
    }


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: tier, what it rests on, and reason.

    Columns: customer_id, segment, price_tier_basis (price, stated, both; null where unknown), reason_code,
    reason_params. `thresholds` act when the constants are fitted. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "price tiers")
    fitted = cutpoints.fitted.get("price_tier", {})
    cheaper, expensive = fitted.get("cheaper_below"), fitted.get("expensive_above")
    comparable = cheaper is not None
    cheaper, expensive = (cheaper, expensive) if comparable else (-NEVER, NEVER)
    level = features["price_level"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = ~np.isnan(level)
    limited = (features["budget_stated"] == "limited").to_numpy(dtype=bool, na_value=False)
    positions = np.select(
        [level > expensive, level < cheaper, limited & known, limited, ~known],
        [0, np.where(limited, 2, 1), 3, 4, 6],
        5 if comparable else 7,
    )
    columns = reasons.reason_columns(
        positions,
        (
            reasons.reason("premium", "PT_PREMIUM", expensive_above=expensive),
            reasons.reason("budget", "PT_BUDGET", cheaper_below=cheaper),
            reasons.reason("budget", "PT_BUDGET_BOTH", cheaper_below=cheaper),
            reasons.reason("budget", "PT_BUDGET_STATED", cheaper_below=cheaper, expensive_above=expensive),
            reasons.reason("budget", "PT_BUDGET_STATED_ONLY"),
            reasons.reason("mid", "PT_MID", cheaper_below=cheaper, expensive_above=expensive),
            reasons.reason("unknown", "PT_FEW_LINES"),
            reasons.reason("unknown", "PT_NO_REFERENCE"),
        ),
    )
    basis = np.array([0, 0, 2, 1, 1, 0, -1, -1])[positions]
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "price_tier_basis": reasons.labels(basis, BASES),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
