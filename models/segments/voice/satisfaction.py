"""Satisfaction: how content a customer is, from what they say and what they do.

    SI = 100 * (0.6 * attitude + 0.4 * behaviour)

A side nobody knows anything of leaves the other alone, and `satisfaction_basis` says so.

attitude   mean of the satisfaction answers, (answer - 1) / 4, the recommendation answers, answer / 10, and
           the ratings of reviews, (rating - 1) / 4; each weighs what halving every half year has left of it
behaviour  1 less the mean of complaint_share, return_rate_value and unresolved_share, plus 0.1 for an order
           within the customer's own cycle tau after the last complaint; 0 to 1

complaint_share    complaints of a year per order of a year, at most 1; complaints without an order are 1
return_rate_value  money returned of the money of the orders sent; of one order, drawn towards the shop's rate
                   by k = 5 orders: (own + k * shop) / (1 + k)
unresolved_share   unresolved complaints of a year per complaint; 0 for who bought and did not complain

A part is null where its extract is absent, or where there is neither an order nor a complaint to judge by;
the mean is over the parts that are known. A customer is dissatisfied when the index is low, or for any of
three signs the index may outweigh: a detractor, repeated complaints, or much sent back.
`dissatisfied_reasons` names all that hold; the segment's reason is the first of them.

Source: definitions part 8, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models import reasons, units
from models.segments import lifecycle
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("satisfied", "neutral", "dissatisfied", "unknown")
OPINIONS = ("csat", "nps", "review")
FEATURES = (
    "customer_id",
    *(f"{opinion}_{kind}" for opinion in OPINIONS for kind in ("score", "weight")),
    "nps_last",
    "complaints_365d",
    "complaints_180d",
    "unresolved_complaints_365d",
    "reorder_days_after_complaint",
    "shipped_orders_365d",
    "shipped_365d",
    "returned_of_shipped_365d",
    "return_rate_180d",
    "gaps",
    "gap_median_days",
    "top_category",
)
COLUMNS = {
    "satisfaction_index": "double",
    "satisfaction_basis": "varchar",
    "satisfaction_coverage": "double",
    "attitude": "double",
    "behaviour": "double",
    "nps_class": "varchar",
    "complaint_share": "double",
    "return_rate_value": "double",
    "unresolved_share": "double",
    "tau_days": "double",
    "reorder_bonus": "double",
    "dissatisfied_flag": "boolean",
    "dissatisfied_reasons": "varchar",
}
BASES = ("attitude_and_behaviour", "attitude", "behaviour")
NPS_CLASSES = ("detractor", "passive", "promoter")
DETRACTOR_MAX, PROMOTER_MIN = 6, 9
"""The reading of a likelihood to recommend from 0 to 10 that makes it comparable: no settings."""
SIGNS = ("low_index", "detractor", "repeated_complaints", "many_returns")

# The weights and the target of shrinkage shape the index; these cut it.
WHATIF = (
    "satisfied_from",
    "dissatisfied_below",
    "complaints_180d",
    "return_rate_180d",
)


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the satisfaction index. Raises ThresholdInvalid for a value that makes no sense.

    The cycle a reorder is held against is the lifecycle's, by the thresholds of that scheme.
    """

    attitude_weight: float = threshold(
        0.6, unit="share of the index", reason="what people say about it weighs more than what it shows in"
    )
    shrinkage_orders: float = threshold(
        5, unit="orders", reason="one return of one order is not yet a habit of returning"
    )
    reorder_bonus: float = threshold(
        0.1, unit="share of behaviour", reason="who buys again after a complaint has been won back"
    )
    satisfied_from: float = threshold(
        70, unit="points of 100", reason="the satisfaction the definitions ask of someone who may recommend"
    )
    dissatisfied_below: float = threshold(40, unit="points of 100", reason="definitions part 8, section 9")
    complaints_180d: int = threshold(2, unit="complaints in 180 days", reason="one may be an accident")
    return_rate_180d: float = threshold(
        0.4, unit="share of the money of 180 days", reason="four in ten sent back is not a matter of size"
    )

    lifecycle: lifecycle.Thresholds = field(default_factory=lifecycle.Thresholds)

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 1, "attitude_weight", "reorder_bonus", "return_rate_180d")
        check_within(self, 0, 10**6, "shrinkage_orders")
        check_within(self, 0, 100, "satisfied_from")
        check_within(self, 0, self.satisfied_from, "dissatisfied_below")
        check_within(self, 1, 10**6, "complaints_180d")


def fit(features: pd.DataFrame, thresholds: Thresholds) -> dict[str, float | int | None]:
    """The shop's rate of returns, in money: what the rate of a customer with one order is drawn towards.

    None for `return_rate` where no order was sent, or returns are not delivered.
    """
    import numpy as np

    known = features["returned_of_shipped_365d"].notna().to_numpy()
    returned = units.cents(features, "returned_of_shipped_365d", missing=0)
    shipped = np.where(known, units.cents(features, "shipped_365d", missing=0), 0)
    sold = sum(shipped.tolist())
    return {
        "return_rate": round(sum(returned.tolist()) / sold, 6) if sold else None,
        "customers_with_orders_sent": int((shipped > 0).sum()),
    }


def nps_classes(features: pd.DataFrame, column: str = "nps_last") -> np.ndarray:
    """0 detractor, 1 passive, 2 promoter by the answer in `column`; -1 where none was given."""
    import numpy as np

    answer = units.whole(features, column, missing=-1)
    return np.select([answer < 0, answer <= DETRACTOR_MAX, answer < PROMOTER_MIN], [-1, 0, 1], 2)


def attitudes(features: pd.DataFrame) -> np.ndarray:
    """The weighted mean of the opinions, 0 to 1 and rounded to four places; nan where none was given."""
    import numpy as np

    total, weights = np.zeros(len(features)), np.zeros(len(features))
    for opinion in OPINIONS:
        score = _numbers(features, f"{opinion}_score")
        weight = np.where(np.isnan(score), 0, _numbers(features, f"{opinion}_weight"))
        total += np.where(weight > 0, weight * score, 0)
        weights += weight
    return np.round(np.divide(total, weights, out=np.full(len(total), np.nan), where=weights > 0), 4)


def behaviours(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> dict[str, np.ndarray]:
    """The parts of the behaviour and the behaviour itself, each rounded to four places; nan where unknown.

    Columns: complaint_share, return_rate_value, unresolved_share, tau_days, reorder_bonus, behaviour, and
    `known`, how many of the three shares are.
    """
    import numpy as np

    def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)

    complaints = _numbers(features, "complaints_365d")
    orders = units.whole(features, "shipped_orders_365d", missing=0)
    complaint_share = np.where((orders == 0) & (complaints > 0), 1, np.minimum(ratio(complaints, orders), 1))
    unresolved = ratio(_numbers(features, "unresolved_complaints_365d"), complaints)
    unresolved = np.where((complaints == 0) & (orders > 0), 0, unresolved)

    own = ratio(_numbers(features, "returned_of_shipped_365d"), _numbers(features, "shipped_365d"))
    shop = cutpoints.fitted.get("satisfaction", {}).get("return_rate")
    k = thresholds.shrinkage_orders
    drawn = (own + k * (np.nan if shop is None else shop)) / (1 + k)
    return_rate = np.where(orders >= 2, own, np.where(orders == 1, drawn, np.nan))

    tau = lifecycle.cycles(features, cutpoints, thresholds.lifecycle)
    again = _numbers(features, "reorder_days_after_complaint")
    bonus = np.where(again <= tau, thresholds.reorder_bonus, 0)

    parts = [np.round(part, 4) for part in (complaint_share, return_rate, unresolved)]
    known = sum((~np.isnan(part)).astype(np.int64) for part in parts)
    troubled = ratio(sum(np.where(np.isnan(part), 0, part) for part in parts), known)
    return {
        "complaint_share": parts[0],
        "return_rate_value": parts[1],
        "unresolved_share": parts[2],
        "tau_days": np.where(np.isnan(again), np.nan, tau),
        "reorder_bonus": np.where(known > 0, bonus, np.nan),
        "behaviour": np.round(np.clip(1 - troubled + bonus, 0, 1), 4),
        "known": known,
    }


def index(
    features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The index, rounded to two places and nan where neither side is known; the attitude; the behaviours."""
    import numpy as np

    attitude = attitudes(features)
    did = behaviours(features, cutpoints, thresholds)
    behaviour = did["behaviour"]
    says, does = ~np.isnan(attitude), ~np.isnan(behaviour)
    a, b = _weights(thresholds)
    rated = np.select(
        [says & does, says, does],
        [100 * (a * attitude + b * behaviour), 100 * attitude, 100 * behaviour],
        np.nan,
    )
    return np.round(rated, 2), attitude, did


def _weights(thresholds: Thresholds) -> tuple[float, float]:
    """Of the attitude and of the behaviour."""
    return thresholds.attitude_weight, round(1 - thresholds.attitude_weight, 9)


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: segment, index, its parts and the reason.

    Raises FeatureMissing for a missing column.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "satisfaction")
    rated, attitude, did = index(features, cutpoints, thresholds)
    behaviour = did["behaviour"]
    says, does = ~np.isnan(attitude), ~np.isnan(behaviour)
    basis = np.select([says & does, says, does], [0, 1, 2], -1)
    a, b = _weights(thresholds)

    nps = nps_classes(features)
    known = ~np.isnan(rated)
    signs = [
        known & (rated < thresholds.dissatisfied_below),
        known & (nps == 0),
        known & (_numbers(features, "complaints_180d") >= thresholds.complaints_180d),
        known & (_numbers(features, "return_rate_180d") >= thresholds.return_rate_180d),
    ]
    flagged = np.logical_or.reduce(signs)
    # neutral, then satisfied, by basis; after the signs and before unknown
    ways = len(BASES)
    positions = np.select(
        [~known, *signs],
        [len(SIGNS) + 2 * ways, *range(len(SIGNS))],
        len(SIGNS) + np.where(rated >= thresholds.satisfied_from, ways, 0) + basis,
    )
    columns = reasons.reason_columns(positions, _reasons(thresholds))
    named = sum(np.where(sign, 1 << place, 0) for place, sign in enumerate(signs))
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "satisfaction_index": rated,
            "satisfaction_basis": reasons.labels(basis, BASES),
            "satisfaction_coverage": np.round(a * says + b * did["known"] / 3, 4),
            "attitude": attitude,
            "behaviour": behaviour,
            "nps_class": reasons.labels(nps, NPS_CLASSES),
            "complaint_share": did["complaint_share"],
            "return_rate_value": did["return_rate_value"],
            "unresolved_share": did["unresolved_share"],
            "tau_days": did["tau_days"],
            "reorder_bonus": did["reorder_bonus"],
            "dissatisfied_flag": flagged,
            "dissatisfied_reasons": reasons.labels(np.where(flagged, named, -1), _COMBINED),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _numbers(features: pd.DataFrame, column: str) -> np.ndarray:
    """The column as float64, nan for null."""
    import numpy as np

    return features[column].to_numpy(dtype=np.float64, na_value=np.nan)


_COMBINED = tuple(
    "|".join(sign for place, sign in enumerate(SIGNS) if number >> place & 1)
    for number in range(1 << len(SIGNS))
)
"""The names of the signs that hold, for each set of them as bits."""


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in: the four signs, neutral and satisfied by basis, unknown."""
    low, high = {"low": thresholds.dissatisfied_below}, {"high": thresholds.satisfied_from}
    detractor = low | {"detractor": DETRACTOR_MAX}
    complaints = detractor | {"complaints": thresholds.complaints_180d}
    calm = complaints | {"returns": thresholds.return_rate_180d}
    found = [
        reasons.reason("dissatisfied", "SAT_LOW_INDEX", **low),
        reasons.reason("dissatisfied", "SAT_DETRACTOR", **detractor),
        reasons.reason("dissatisfied", "SAT_COMPLAINTS", **complaints),
        reasons.reason("dissatisfied", "SAT_RETURNS", **calm),
    ]
    for segment in ("neutral", "satisfied"):
        for basis in ("BOTH", "SAID", "DID"):
            found.append(reasons.reason(segment, f"SAT_{segment.upper()}_{basis}", **calm, **high))
    return (*found, reasons.reason("unknown", "SAT_UNKNOWN"))
