"""Purchase-behaviour groups: what kind of buyer a customer is, over the whole history.

Frequency and monetary scores are those of `rfm`, taken on lifetime orders and lifetime net, because the group
describes the kind of customer; RFM and the churn levels describe the present. The first rule that holds wins:

    PB0 prospect          no valid order
    PB5 one_time          one order; matured when it is older than T2 days, else awaiting_second
    PB1 loyal_big         F >= 4 and M >= 4        PB2 potential_loyal   F <= 3 and M >= 4
    PB3 frequent_small    F >= 4 and M <= 3        PB4 marginal          F <= 3 and M <= 3

T2 is how long most customers who came back took to do so; it is a cut-point. Source: definitions part 8,
section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import quantiles, reasons, units
from models.segments import rfm
from models.thresholds import (
    check_above,
    check_cents,
    check_kinds,
    check_rising,
    check_within,
    exact,
    refuse,
    threshold,
)

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = (
    "PB0_prospect",
    "PB5_one_time",
    "PB1_loyal_big",
    "PB2_potential_loyal",
    "PB3_frequent_small",
    "PB4_marginal",
)
FEATURES = ("customer_id", "orders_life", "net_life", "tenure_days")
COLUMNS = {
    "f_life": "integer",
    "m_life": "integer",
    "maturity": "varchar",
    "one_time_high_value": "boolean",
    "purchase_rhythm": "varchar",
}
MATURITIES = ("matured", "awaiting_second")
RHYTHMS = ("once", "occasional", "regular")


def WHATIF(cutpoints: Cutpoints, thresholds: Thresholds) -> tuple[str, ...]:  # noqa: N802 - a declaration
    """The cuts in force and T2; what T2 is fitted by acts through it."""
    if thresholds.mode == "fixed" or cutpoints.status == "insufficient":
        return ("high_score", "fixed_orders", "fixed_net", "t2_days")
    return ("high_score", "f_life_cuts", "m_life_cuts", "t2_days")


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the purchase groups. Raises ThresholdInvalid for a value that makes no sense.

    The fixed break points are used in mode `fixed`, and in mode `quantile` for as long as the cut-points in
    force rest on too little data.
    """

    mode: str = threshold(
        "quantile",
        unit="quantile or fixed",
        reason="quantiles need no knowledge of the trade or the currency",
    )
    high_score: int = threshold(4, unit="score", reason="4 and 5 are the upper part of both scales")
    t2_share: float = threshold(0.80, unit="share", reason="four of five who came back had done so by then")
    t2_first_order_age_days: int = threshold(
        180, unit="days", reason="younger first orders have not had the time to be slow"
    )
    t2_min_customers: int = threshold(
        200, unit="customers", reason="an 80th percentile of fewer moves by weeks from month to month"
    )
    t2_default_days: int = threshold(60, unit="days", reason="two months, until there are enough to count")
    t2_floor_days: int = threshold(30, unit="days", reason="a first month is no time to ask why you left")
    fixed_orders: tuple[int, int, int] = threshold(
        (3, 6, 12), unit="orders ever", reason="a third order, half a dozen, a dozen"
    )
    fixed_net: tuple[float, float, float, float] = threshold(
        (100, 300, 1000, 3000), unit="currency", reason="about threefold steps; set them for the currency"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.mode not in {"quantile", "fixed"}:
            refuse(self, "mode", "'quantile' or 'fixed'")
        check_within(self, 3, 5, "high_score")
        check_within(self, 0.01, 1, "t2_share")
        check_above(self, 0, "t2_min_customers", "t2_default_days", "t2_floor_days")
        check_within(self, 0, 36_500, "t2_first_order_age_days")
        check_rising(self, "fixed_orders", "fixed_net")
        check_cents(self, "fixed_net")


def fit_t2(features: pd.DataFrame, one_time_q95_days: float, thresholds: Thresholds) -> tuple[float, int]:
    """T2 in days and how many customers it rests on.

    The share `t2_share` (nearest rank) of the days to the second order, among customers who have one and
    whose first order is old enough, held between `t2_floor_days` and the q95 of the one-time law, so that
    nobody awaits a second order who is already dormant; the floor wins where the two cross. With fewer than
    `t2_min_customers` it is `t2_default_days` as it stands.
    """
    days = units.whole(features, "second_order_days", missing=-1)
    tenure = units.whole(features, "tenure_days", missing=-1)
    days = days[(days >= 0) & (tenure >= thresholds.t2_first_order_age_days)]
    if len(days) < thresholds.t2_min_customers:
        return thresholds.t2_default_days, len(days)
    typical = quantiles.nearest_rank(days, exact(thresholds.t2_share))
    return max(min(typical, one_time_q95_days), thresholds.t2_floor_days), len(days)


def cuts_in_force(
    cutpoints: Cutpoints, thresholds: Thresholds
) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """Cuts of lifetime orders and of lifetime net in cents, each from low to high."""
    if thresholds.mode == "fixed" or cutpoints.status == "insufficient":
        return tuple(thresholds.fixed_orders), tuple(
            int(exact(amount) * 100) for amount in thresholds.fixed_net
        )
    return cutpoints.f_life_cuts, cutpoints.m_life_cuts


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group, lifetime scores and reason.

    Columns: customer_id, segment, f_life, m_life (1 to 5, null for a prospect), maturity (one-time buyers
    only), one_time_high_value, purchase_rhythm (null for a prospect), reason_code, reason_params. Raises
    FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "purchase groups")
    orders = units.whole(features, "orders_life")
    bought, once = orders >= 1, orders == 1
    tenure = units.days_where(features, "tenure_days", bought)

    f_cuts, m_cuts = cuts_in_force(cutpoints, thresholds)
    f = rfm.frequency_score(orders, orders, f_cuts)
    m = rfm.monetary_score(units.cents(features, "net_life"), m_cuts)
    often, much = f >= thresholds.high_score, m >= thresholds.high_score
    matured = tenure > cutpoints.t2_days
    positions = np.select(
        [~bought, once & matured, once, often & much, ~often & much, often & ~much], [0, 1, 2, 3, 4, 5], 6
    )
    columns = reasons.reason_columns(positions, _reasons(f_cuts, m_cuts, cutpoints.t2_days, thresholds))
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "f_life": pd.arrays.IntegerArray(f, ~bought),
            "m_life": pd.arrays.IntegerArray(m, ~bought),
            "maturity": reasons.labels(np.where(once, np.where(matured, 0, 1), -1), MATURITIES),
            "one_time_high_value": once & much,
            "purchase_rhythm": reasons.labels(np.select([~bought, once, often], [-1, 0, 2], 1), RHYTHMS),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(
    f_cuts: tuple[int | None, ...], m_cuts: tuple[int | None, ...], t2_days: float, thresholds: Thresholds
) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    f_cut = f_cuts[thresholds.high_score - 3]
    m_cut = m_cuts[thresholds.high_score - 2]
    high = {
        "high_score": thresholds.high_score,
        "orders_from": reasons.NEVER_ORDERS if f_cut is None else f_cut,
        "net_from": reasons.money(m_cut),
    }
    return (
        reasons.reason("PB0_prospect", "PB0_PROSPECT"),
        reasons.reason("PB5_one_time", "PB5_MATURED", t2_days=t2_days),
        reasons.reason("PB5_one_time", "PB5_AWAITING_SECOND", t2_days=t2_days),
        reasons.reason("PB1_loyal_big", "PB1_LOYAL_BIG", **high),
        reasons.reason("PB2_potential_loyal", "PB2_POTENTIAL_LOYAL", **high),
        reasons.reason("PB3_frequent_small", "PB3_FREQUENT_SMALL", **high),
        reasons.reason("PB4_marginal", "PB4_MARGINAL", **high),
    )
