"""Brand affinity: whether a customer keeps to a brand, leans to one, or tries many.

What a customer says of brands goes before what they do, for as long as the answer holds (540 days):

    brand_loyal      says one brand matters (4 or 5 of 5); else concentration >= .50 and repeat rate >= .50
    variety_seeking  says it does not (1 or 2); else concentration < .20
    brand_leaning    the rest; a stated 3 leaves it to behaviour
    unknown          nothing said, and fewer than three orders or three purchases of a brand

Concentration is the Herfindahl index of the money by brand over what buying every brand on sale alike would
give: where two brands are on sale half of the money on each is no loyalty. The repeat rate is the share of
brand purchases after the first that fell on a brand bought before. Source: definitions part 2, SV14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("brand_loyal", "brand_leaning", "variety_seeking", "unknown")
FEATURES = ("customer_id", "brand_concentration", "brand_repeat_rate", "brand_loyalty_stated")
COLUMNS = {"brand_affinity_basis": "varchar"}
BASES = ("behaviour", "stated")


@dataclass(frozen=True)
class Thresholds:
    """The numbers of brand affinity. Raises ThresholdInvalid for a value that makes no sense."""

    loyal_concentration: float = threshold(
        0.50, unit="concentration", reason="half-way from every brand alike to one alone: 85 % on one of two"
    )
    leaning_concentration: float = threshold(
        0.20, unit="concentration", reason="a first brand shows: 72 % on one of two, half on one of ten"
    )
    loyal_repeat_rate: float = threshold(
        0.50, unit="share of purchases", reason="one big purchase of a brand is no loyalty to it"
    )
    stated_loyal: int = threshold(4, unit="of 5", reason="important or very important")
    stated_variety: int = threshold(2, unit="of 5", reason="not or hardly important")

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 1, "loyal_concentration", "loyal_repeat_rate")
        check_within(self, 0, self.loyal_concentration, "leaning_concentration")
        check_within(self, 2, 5, "stated_loyal")
        check_within(self, 0, self.stated_loyal - 1, "stated_variety")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: affinity, its basis, and reason.

    Columns: customer_id, segment, brand_affinity_basis (behaviour or stated; null where unknown),
    reason_code, reason_params. Nothing is fitted. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "brand affinity")
    concentration = features["brand_concentration"].to_numpy(dtype=np.float64, na_value=np.nan)
    repeat = features["brand_repeat_rate"].to_numpy(dtype=np.float64, na_value=np.nan)
    stated = units.whole(features, "brand_loyalty_stated", missing=0)
    known = ~np.isnan(concentration) & ~np.isnan(repeat)
    concentrated = concentration >= thresholds.loyal_concentration
    leaning = concentration >= thresholds.leaning_concentration
    positions = np.select(
        [
            stated >= thresholds.stated_loyal,
            (stated > 0) & (stated <= thresholds.stated_variety),
            ~known,
            concentrated & (repeat >= thresholds.loyal_repeat_rate),
            leaning,
        ],
        [0, 1, 5, 2, 3],
        4,
    )
    between = {"stated_loyal": thresholds.stated_loyal, "stated_variety": thresholds.stated_variety}
    loyal = {
        "loyal_concentration": thresholds.loyal_concentration,
        "loyal_repeat_rate": thresholds.loyal_repeat_rate,
    }
    least = {"leaning_concentration": thresholds.leaning_concentration}
    columns = reasons.reason_columns(
        positions,
        (
            reasons.reason("brand_loyal", "BA_STATED_LOYAL", stated_loyal=thresholds.stated_loyal),
            reasons.reason("variety_seeking", "BA_STATED_VARIETY", stated_variety=thresholds.stated_variety),
            reasons.reason("brand_loyal", "BA_LOYAL", **between, **loyal),
            reasons.reason("brand_leaning", "BA_LEANING", **between, **loyal, **least),
            reasons.reason("variety_seeking", "BA_VARIETY", **between, **least),
            reasons.reason("unknown", "BA_FEW_PURCHASES", **between),
        ),
    )
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "brand_affinity_basis": reasons.labels(np.array([1, 1, 0, 0, 0, -1])[positions], BASES),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )
