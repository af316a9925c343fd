"""Decision stage: how near a customer is to an order, or what came of the last one.

An order in the last 30 days decides: `purchase` for `purchase_days`, then `post_purchase` with what came of
it (returned before complained before satisfied, as far as anything was said). Without one, the furthest
step of the last 30 days on the web or in the app does:

    decision       an item put into the cart, or a checkout started
    consideration  items compared, noted as a wish, or one item viewed at least twice
    cognition      a search, or an item viewed
    awareness      a visit, or an advertisement seen
    none           none of these

All these steps lie after the last order, since there is none in the 30 days. Where web events are not
delivered, only purchase and post_purchase can be told; everybody else is `unknown`, and stage_basis says
so. Source: definitions part 8, section 19 (decision_stage), part 3.8 (SG40 to SG45).

A single view of an item stands for the browsing of a category, which no event tells by itself. A coupon
that was claimed and not used yet is in no extract; one that was used is an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

STAGES = ("decision", "consideration", "cognition", "awareness")
GROUPS = (*reversed(STAGES), "purchase", "post_purchase", "none", "unknown")
OUTCOMES = ("returned", "complained", "satisfied")
FEATURES = (
    "customer_id",
    "recency_days",
    "last_return_days",
    "last_complaint_days",
    "last_satisfied_days",
    *(f"{stage}_steps_30d" for stage in STAGES),
)
COLUMNS = {"stage_basis": "varchar", "outcome": "varchar"}
BASES = ("orders_and_web", "orders_only")
WINDOW_DAYS = 30
"""The days the steps are counted in; a feature's window, so no setting."""


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the decision stages. Raises ThresholdInvalid for a value that makes no sense."""

    purchase_days: int = threshold(
        7, unit="days since the last order", reason="a week until the goods are there and can be judged"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 1, WINDOW_DAYS, "purchase_days")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: stage, basis, outcome and reason.

    outcome is null outside post_purchase and where nothing was said. Raises FeatureMissing. `cutpoints` is
    part of every scheme's signature; nothing here is compared with other customers.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "decision stages")
    recency = units.whole(features, "recency_days", missing=reasons.NEVER_DAYS)
    # what was said or sent back on the day of the order or since
    returned, complained, satisfied = (
        units.whole(features, name, missing=reasons.NEVER_DAYS) <= recency
        for name in ("last_return_days", "last_complaint_days", "last_satisfied_days")
    )
    steps = [units.whole(features, f"{stage}_steps_30d", missing=-1) for stage in STAGES]
    after = recency <= WINDOW_DAYS
    positions = np.select(
        [
            recency <= thresholds.purchase_days,
            after & returned,
            after & complained,
            after & satisfied,
            after,
            steps[0] < 0,
            *(count > 0 for count in steps),
        ],
        range(10),
        10,
    )
    found = _reasons(thresholds)
    columns = reasons.reason_columns(positions, found)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "stage_basis": reasons.labels((steps[0] < 0).astype(np.int64), BASES),
            "outcome": reasons.labels(
                np.where((positions >= 1) & (positions <= 3), positions - 1, -1), OUTCOMES
            ),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    window = {"window_days": WINDOW_DAYS}
    since = {"purchase_days": thresholds.purchase_days, **window}
    return (
        reasons.reason("purchase", "DS_PURCHASE", purchase_days=thresholds.purchase_days),
        reasons.reason("post_purchase", "DS_POST_RETURNED", **since),
        reasons.reason("post_purchase", "DS_POST_COMPLAINED", **since),
        reasons.reason("post_purchase", "DS_POST_SATISFIED", **since),
        reasons.reason("post_purchase", "DS_POST_QUIET", **since),
        reasons.reason("unknown", "DS_UNKNOWN", **window),
        *(reasons.reason(stage, f"DS_{stage.upper()}", **window) for stage in STAGES),
        reasons.reason("none", "DS_NONE", **window),
    )
