"""Occasion: whether customers buy for business, for the family, or young and for themselves.

The first that holds:

    business  a company; or at least 60 % of the orders of the window on weekdays in working hours with a
              company's payment or an invoice
    family    three or more in the household; or at least 30 % of the window's net in categories marked
              family
    young     a young person, and neither of these
    unknown   the rest

What nobody tells (no payment methods, no categories, no profile) speaks for nothing. Which payments are a
company's and which categories a family's are seeds (company_payments, family_categories). Source: definitions
part 8, section 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, exact, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("business", "family", "young", "unknown")
FEATURES = (
    "customer_id",
    "customer_kind",
    "orders_w",
    "business_orders_w",
    "family_size",
    "net_w",
    "family_net_w",
    "age_band",
)
COLUMNS: dict[str, str] = {}


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the occasions. Raises ThresholdInvalid for a value that makes no sense."""

    business_share: float = threshold(
        0.60, unit="share of the window's orders", reason="a clear majority of them is bought at work"
    )
    family_size: int = threshold(
        3, unit="persons in the household", reason="two are a couple, the third is a child or a parent"
    )
    family_spend_share: float = threshold(
        0.30, unit="share of the window's net", reason="nearly a third of the money goes to the family"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.01, 1, "business_share", "family_spend_share")
        check_within(self, 1, 100, "family_size")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: customer_id, segment and the reason.

    Shares are compared as whole numbers (orders, cents), so that exactly 60 % is 60 %. Cut-points are part of
    every scheme's signature and not read. Raises FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "occasions")
    company = units.positions(features, "customer_kind", ("company",)) == 0
    at_work = _reaches(
        units.whole(features, "business_orders_w", missing=0),
        units.whole(features, "orders_w"),
        thresholds.business_share,
    )
    household = units.whole(features, "family_size", missing=0) >= thresholds.family_size
    for_family = _reaches(
        units.cents(features, "family_net_w", missing=0),
        units.cents(features, "net_w"),
        thresholds.family_spend_share,
    )
    young = units.positions(features, "age_band", ("young",)) == 0
    found = np.select([company, at_work, household, for_family, young], range(5), 5)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            **reasons.reason_columns(found, _reasons(thresholds)),
        },
        index=features.index,
    )


def _reaches(part: np.ndarray, whole: np.ndarray, share: float) -> np.ndarray:
    """Whether a part is at least `share` of a whole that is more than nothing."""
    least = exact(share)
    return (whole > 0) & (part * least.denominator >= whole * least.numerator)


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in. Every reason says all that must not hold before it, and its numbers."""
    work = {"business_share": thresholds.business_share}
    size = {**work, "family_size": thresholds.family_size}
    spend = {**size, "family_spend_share": thresholds.family_spend_share}
    return (
        reasons.reason("business", "OC_COMPANY"),
        reasons.reason("business", "OC_WORK_TIME", **work),
        reasons.reason("family", "OC_HOUSEHOLD", **size),
        reasons.reason("family", "OC_FAMILY_SPEND", **spend),
        reasons.reason("young", "OC_YOUNG", **spend),
        reasons.reason("unknown", "OC_UNKNOWN", **spend),
    )
