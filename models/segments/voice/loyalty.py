"""Loyalty: how firmly a customer holds to the shop, from what they buy, recommend and say.

    LI = 100 * sum(w_j * x_j) / sum(w_j of the parts that are known)

loyalty_coverage is that sum of weights over all weights; below a half there is no index, and the customer is
unknown. Each part x_j is between 0 and 1, or null:

part            w    x
frequency      .30   mid-rank of orders_w among the repeat-eligible: who has been there for tau_0 or longer
regularity     .15   half mid-rank of the tenure, half 1 - min(gap_cv, 1); null below two gaps
concentration  .10   brand_hhi, else category_hhi; both are null below three orders
referral       .20   0 none, .5 invited, .8 one success, 1 several in a year; a promoter .2 more, up to 1
feedback       .15   praise and suggestions of a year, at most three, less unresolved complaints, over three
stated         .10   mean of the latest likelihoods to recommend and to buy again, of ten

`potential_loyal` is an index within the second band that has risen by ten points in 180 days. The index of
then is made of the same parts over windows that end 180 days earlier, from what is known now: a day scored
again, or for the first time, says the same whether or not that earlier day was ever scored. Concentration is
taken as it is today in both: it moves slowly, and would cost a second pass over all order lines. Where the
shop's records are younger than min_history_days there is no index of then: the windows of then are not full.

`bands_by_weight` holds, three bits each, the band under each weight made a fifth smaller or larger (see
CHANGES); the table loyalty_sensitivity counts who moves.

Source: definitions part 8, section 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.segments.voice import satisfaction
from models.thresholds import check_kinds, check_rising, check_within, refuse, threshold

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("loyal", "inclined", "average", "low", "unknown")
PARTS = ("frequency", "regularity", "concentration", "referral", "feedback", "stated")
CHANGES = tuple((part, change) for part in PARTS for change in ("lower", "higher"))
"""The places of bands_by_weight: bits 3 * place to 3 * place + 2 hold the position of the band in GROUPS."""
AGO = "_180d_ago"
FEATURES = (
    "customer_id",
    "orders_w",
    "orders_w_180d_ago",
    "tenure_days",
    "gap_cv",
    "gap_cv_180d_ago",
    "brand_hhi",
    "category_hhi",
    "invites_365d",
    "invites_365d_180d_ago",
    "conversions_365d",
    "conversions_365d_180d_ago",
    "nps_last",
    "nps_180d_ago",
    "constructive_feedback_365d",
    "constructive_feedback_365d_180d_ago",
    "unresolved_complaints_365d",
    "unresolved_complaints_365d_180d_ago",
    "stated_loyalty",
    "stated_loyalty_180d_ago",
)
COLUMNS = {
    "loyalty_index": "double",
    "loyalty_coverage": "double",
    **{f"{part}_part": "double" for part in PARTS},
    "concentration_basis": "varchar",
    "loyalty_index_180d_ago": "double",
    "loyalty_rise_180d": "double",
    "potential_loyal": "boolean",
    "bands_by_weight": "bigint",
}
CONCENTRATION_BASES = ("brand", "category")

# The rest tells of a rise, and of how firm the bands are.
WHATIF = (
    *(f"{part}_weight" for part in PARTS),
    "min_coverage",
    "bands",
    "invited",
    "one_success",
    "promoter_bonus",
    "feedback_cap",
)


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the loyalty index. Raises ThresholdInvalid for a value that makes no sense."""

    frequency_weight: float = threshold(
        0.30, unit="share of the index", reason="coming back is what it is for"
    )
    regularity_weight: float = threshold(0.15, unit="share of the index", reason="a habit outlives a mood")
    concentration_weight: float = threshold(
        0.10, unit="share of the index", reason="one brand may be loyalty, and may be need"
    )
    referral_weight: float = threshold(
        0.20, unit="share of the index", reason="who recommends puts their own name to it"
    )
    feedback_weight: float = threshold(
        0.15, unit="share of the index", reason="who says what could be better means to stay"
    )
    stated_weight: float = threshold(0.10, unit="share of the index", reason="words are cheaper than deeds")
    min_coverage: float = threshold(
        0.5, unit="share of the weights", reason="an index of less than half of itself says nothing"
    )
    bands: tuple[float, float, float] = threshold(
        (25, 50, 75), unit="points of 100", reason="quarters of the scale; definitions part 8, section 8"
    )
    invited: float = threshold(0.5, unit="share of the part", reason="an invitation is half a recommendation")
    one_success: float = threshold(0.8, unit="share of the part", reason="somebody believed it")
    promoter_bonus: float = threshold(0.2, unit="share of the part", reason="says they would")
    feedback_cap: int = threshold(3, unit="items a year", reason="more of them are a hobby, not more loyalty")
    rise_180d: float = threshold(
        10, unit="points in 180 days", reason="more than answers waver from wave to wave"
    )
    min_history_days: int = threshold(
        545, unit="days", reason="a year and half a year: in younger records everybody seems to have risen"
    )
    sensitivity_step: float = threshold(
        0.2, unit="share of a weight", reason="as far as two analysts may differ about one"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 1, *(f"{part}_weight" for part in PARTS))
        if sum(self.weights.values()) <= 0:
            refuse(self, "frequency_weight", "a weight above 0 for at least one part")
        check_within(self, 0, 1, "min_coverage", "invited", "one_success", "promoter_bonus")
        check_within(self, 0.01, 0.99, "sensitivity_step")
        check_rising(self, "bands")
        check_within(self, 1, 10**6, "feedback_cap")
        check_within(self, 0, 100, "rise_180d")
        check_within(self, 0, 10**6, "min_history_days")

    @property
    def weights(self) -> dict[str, float]:
        """Part → its weight."""
        return {part: getattr(self, f"{part}_weight") for part in PARTS}


def references(features: pd.DataFrame, tau_0_days: float) -> dict[str, np.ndarray]:
    """orders_w of the repeat-eligible: customers whose first order is tau_0 days old or older."""
    import numpy as np

    eligible = units.whole(features, "tenure_days", missing=-1) >= tau_0_days
    return {"orders_w": units.whole(features, "orders_w")[eligible].astype(np.float64)}


def parts(
    features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds, ago: str = ""
) -> dict[str, np.ndarray]:
    """Part → x of each customer, to four places, nan where unknown; with ago = AGO as 180 days before."""
    import numpy as np

    def numbers(column: str) -> np.ndarray:
        return features[column].to_numpy(dtype=np.float64, na_value=np.nan)

    tenure = numbers("tenure_days") - (180 if ago else 0)
    tenure = np.where(tenure > 0, tenure, np.nan)  # not there yet
    frequency = cutpoints.mid_rank("loyalty.orders_w", numbers(f"orders_w{ago}"))
    frequency = np.where(tenure >= cutpoints.tau_0_days, frequency, np.nan)
    steady = 1 - np.minimum(numbers(f"gap_cv{ago}"), 1)
    regularity = 0.5 * cutpoints.mid_rank("tenure_days", tenure) + 0.5 * steady

    brand, category = numbers("brand_hhi"), numbers("category_hhi")
    concentration = np.where(np.isnan(brand), category, brand)

    invites, conversions = numbers(f"invites_365d{ago}"), numbers(f"conversions_365d{ago}")
    referral = np.select(
        [conversions >= 2, conversions == 1, invites > 0],
        [1, thresholds.one_success, thresholds.invited],
        0.0,
    )
    promoter = satisfaction.nps_classes(features, "nps_180d_ago" if ago else "nps_last") == 2
    referral = np.where(
        np.isnan(invites), np.nan, np.minimum(referral + thresholds.promoter_bonus * promoter, 1)
    )

    cap = thresholds.feedback_cap
    constructive = np.minimum(numbers(f"constructive_feedback_365d{ago}"), cap)
    feedback = np.clip((constructive - numbers(f"unresolved_complaints_365d{ago}")) / cap, 0, 1)
    stated = numbers(f"stated_loyalty{ago}") / 10
    found = (frequency, regularity, concentration, referral, feedback, stated)
    return {part: np.round(x, 4) for part, x in zip(PARTS, found, strict=True)}


def index(
    found: Mapping[str, np.ndarray], weights: Mapping[str, float], thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray]:
    """The index, rounded to two places and nan where too little is known, and the coverage."""
    import numpy as np

    rows = len(found[PARTS[0]])
    points, known = np.zeros(rows), np.zeros(rows)
    for part in PARTS:
        there = ~np.isnan(found[part])
        points += np.where(there, weights[part] * found[part], 0)
        known += weights[part] * there
    return _rated(points, known, sum(weights[part] for part in PARTS), thresholds)


def _rated(
    points: np.ndarray, known: np.ndarray, total: float, thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    coverage = np.round(known / total, 4)
    enough = (coverage >= thresholds.min_coverage) & (known > 0)
    rated = np.divide(100 * points, known, out=np.full(len(points), np.nan), where=enough)
    return np.round(rated, 2), coverage


def bands(rated: np.ndarray, thresholds: Thresholds) -> np.ndarray:
    """The position in GROUPS of each index: 0 loyal to 3 low, 4 unknown."""
    import numpy as np

    return np.where(np.isnan(rated), 4, 3 - np.searchsorted(thresholds.bands, rated, side="right"))


def bands_by_weight(found: Mapping[str, np.ndarray], thresholds: Thresholds) -> np.ndarray:
    """The bands under each of CHANGES, three bits each, as int64."""
    import numpy as np

    weights = thresholds.weights
    rows = len(found[PARTS[0]])
    points, known, packed = np.zeros(rows), np.zeros(rows), np.zeros(rows, dtype=np.int64)
    there = {part: ~np.isnan(found[part]) for part in PARTS}
    shares = {part: np.where(there[part], weights[part] * found[part], 0) for part in PARTS}
    for part in PARTS:
        points += shares[part]
        known += weights[part] * there[part]
    total = sum(weights.values())
    for place, (part, change) in enumerate(CHANGES):
        step = thresholds.sensitivity_step * (1 if change == "higher" else -1)
        moved = weights[part] * step
        rated, _ = _rated(
            points + step * shares[part], known + moved * there[part], total + moved, thresholds
        )
        packed |= bands(rated, thresholds).astype(np.int64) << (3 * place)
    return packed


def segments(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """The place in GROUPS `assign` gives each customer."""
    rated, _ = index(parts(features, cutpoints, thresholds), thresholds.weights, thresholds)
    return bands(rated, thresholds)


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: band, index, its parts and the reason.

    Raises FeatureMissing for a missing column.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "loyalty")
    now = parts(features, cutpoints, thresholds)
    then = parts(features, cutpoints, thresholds, AGO)
    weights = thresholds.weights
    rated, coverage = index(now, weights, thresholds)
    before, _ = index(then, weights, thresholds)
    if cutpoints.counts.get("history_days", thresholds.min_history_days) < thresholds.min_history_days:
        before = np.full(len(before), np.nan)
    rise = np.round(rated - before, 2)
    positions = bands(rated, thresholds)
    columns = reasons.reason_columns(positions, _reasons(thresholds))
    by_brand = features["brand_hhi"].notna().to_numpy()
    basis = np.where(np.isnan(now["concentration"]), -1, np.where(by_brand, 0, 1))
    compared = ~np.isnan(rise)
    rising = pd.array((positions == 1) & (rise >= thresholds.rise_180d), dtype="boolean")
    rising[~compared] = pd.NA
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "loyalty_index": rated,
            "loyalty_coverage": coverage,
            **{f"{part}_part": now[part] for part in PARTS},
            "concentration_basis": reasons.labels(basis, CONCENTRATION_BASES),
            "loyalty_index_180d_ago": before,
            "loyalty_rise_180d": rise,
            "potential_loyal": rising,
            "bands_by_weight": bands_by_weight(now, thresholds),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """In the order of GROUPS."""
    average, inclined, loyal = thresholds.bands
    return (
        reasons.reason("loyal", "LOY_LOYAL", loyal=loyal),
        reasons.reason("inclined", "LOY_INCLINED", inclined=inclined, loyal=loyal),
        reasons.reason("average", "LOY_AVERAGE", average=average, inclined=inclined),
        reasons.reason("low", "LOY_LOW", average=average),
        reasons.reason("unknown", "LOY_UNKNOWN", coverage=thresholds.min_coverage),
    )
