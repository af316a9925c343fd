"""Lifecycle stage: where a customer without a contract stands between first purchase and loss.

Each customer has a cycle tau = (n * median gap + k * tau_0) / (n + k), their own median gap between purchase
occasions drawn towards the population's, and a delay rho = recency_days / tau. The first stage that applies
wins, in this order:

    LC0 prospect · LC1 new · LC2 awaiting_second · LC8 churned · LC7 dormant · LC9 reactivated
    LC10 one_time_overdue · LC6 declining · LC3 growing · LC4 mature · LC5 steady_light

Codes are names; the order is the precedence. tau is rounded to two places and rho, from the rounded tau, to
four, and those are the numbers compared. Source: definitions part 8, section 6.

What section 6 leaves open, and what is done here:
* tau_0 is the median over customers of their median gap, so that frequent buyers do not outvote the others;
  per top category of the window where enough customers with a gap have it.
* A reactivated customer's last gap is judged by the limit that held before it: the law of the gaps before,
  or, where it was the first gap, the time-to-second-order law. Where the first two orders fell on one day,
  the customer was already a repeat buyer without a gap, and the population's gap law is the one that held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models import reasons, units
from models.churn import levels
from models.thresholds import check_above, check_kinds, check_within, exact, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = (
    "LC0_prospect",
    "LC1_new",
    "LC2_awaiting_second",
    "LC8_churned",
    "LC7_dormant",
    "LC9_reactivated",
    "LC10_one_time_overdue",
    "LC6_declining",
    "LC3_growing",
    "LC4_mature",
    "LC5_steady_light",
)
FEATURES = (
    *levels.FEATURES,
    "tenure_days",
    "second_order_days",
    "gap_median_days",
    "last_gap_days",
    "net_90d",
    "net_previous_90d",
    "net_previous_270d",
    "top_category",
)
COLUMNS = {
    "tau_days": "double",
    "rho": "double",
    "reactivation_limit_days": "double",
    "customer_age": "varchar",
    "churn_level": "varchar",
}
AGES = ("new", "old")
NEW = ("LC1_new", "LC2_awaiting_second")
OLD = ("LC3_growing", "LC4_mature", "LC5_steady_light", "LC6_declining", "LC9_reactivated")
# The cycles and what they are fitted by move few; the levels are stepped by their own scheme.
WHATIF = (
    "new_days",
    "reactivated_days",
    "declining_rho",
    "declining_ratio",
    "growing_tenure_days",
    "growing_ratio",
    "mature_orders",
    "t2_days",
)


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the lifecycle stages. Raises ThresholdInvalid for a value that makes no sense.

    `levels` are the thresholds of the churn levels that two of the stages rest on.
    """

    new_days: int = threshold(30, unit="days", reason="the first month")
    shrinkage: float = threshold(
        3,
        unit="gaps",
        reason="a customer's own cycle weighs as much as the population's from the third gap on",
    )
    category_min_customers: int = threshold(
        200, unit="customers with a gap", reason="a category with fewer has no median worth having"
    )
    tau_default_days: float = threshold(
        40, unit="days", reason="without a gap law: the end of active on the calendar"
    )
    reactivated_days: int = threshold(
        60, unit="days", reason="a comeback is news for two months, or for one own cycle"
    )
    declining_rho: float = threshold(
        1.5, unit="cycles", reason="half a cycle late is more than the usual unevenness"
    )
    declining_tenure_days: int = threshold(
        360, unit="days", reason="the last 90 days and the 270 before must all lie within the custom"
    )
    declining_ratio: float = threshold(
        0.5, unit="times the earlier 90-day mean", reason="half of what it was"
    )
    growing_tenure_days: int = threshold(180, unit="days", reason="the first half-year of a repeat buyer")
    growing_ratio: float = threshold(
        1.2, unit="times the 90 days before", reason="a fifth more is more than noise"
    )
    mature_orders: int = threshold(3, unit="orders", reason="the third order makes a habit")
    levels: levels.Thresholds = field(default_factory=levels.Thresholds)

    def __post_init__(self) -> None:
        check_kinds(self)
        check_above(self, 0, "shrinkage", "category_min_customers", "tau_default_days", "declining_rho")
        check_within(
            self, 0, 36_500, "new_days", "reactivated_days", "declining_tenure_days", "growing_tenure_days"
        )
        check_within(self, 0, 1, "declining_ratio")
        check_within(self, 1, 100, "growing_ratio")
        check_within(self, 2, 1000, "mature_orders")


def fit_tau(features: pd.DataFrame, enough: bool, thresholds: Thresholds) -> tuple[float, dict[str, float]]:
    """tau_0 in days, and the tau_0 of each top category with enough customers, keys sorted.

    `enough` says whether there is a gap law at all; without one the default holds for everybody.
    """
    import numpy as np

    if not enough:
        return float(thresholds.tau_default_days), {}
    with_gap = units.whole(features, "gaps", missing=0) >= 1
    typical = features["gap_median_days"][with_gap].astype("float64")
    by_category = typical.groupby(features["top_category"][with_gap].astype(object)).agg(["size", "median"])
    by_category = by_category[by_category["size"] >= thresholds.category_min_customers].sort_index()
    tau_0 = round(float(np.median(typical.to_numpy())), 2)
    return tau_0, {str(category): round(float(days), 2) for category, days in by_category["median"].items()}


def cycles(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """tau of each customer in days, rounded to two places; the population's where there is no gap."""
    import numpy as np
    import pandas as pd

    gaps = units.whole(features, "gaps", missing=0)
    median = np.nan_to_num(features["gap_median_days"].to_numpy(dtype=np.float64, na_value=0.0))
    tau_0 = np.full(len(gaps), cutpoints.tau_0_days)
    if cutpoints.tau_0_by_category:
        places, names = pd.factorize(features["top_category"])
        days = [cutpoints.tau_0_by_category.get(name, np.nan) for name in names]
        own = np.array([*days, np.nan])[places]  # a place of -1, for no category, is the last
        tau_0 = np.where(np.isnan(own), tau_0, own)
    k = float(thresholds.shrinkage)
    return np.round((gaps * median + k * tau_0) / (gaps + k), 2)


def reactivation_limits(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """The days after which a customer was churned as things stood before the last gap; nan without one."""
    import numpy as np

    gaps = units.whole(features, "gaps", missing=0)
    last_gap = units.days_where(features, "last_gap_days", gaps >= 1)
    last_ln = np.rint(np.log(np.maximum(last_gap, 1)) * levels.LN_SCALE).astype(np.int64)
    gaps_before = np.maximum(gaps - 1, 0)
    same_day_second = units.whole(features, "second_order_days", missing=-1) == 0
    orders_before = np.where((gaps_before == 0) & ~same_day_second, 1, 2)
    *_, days = levels.customer_limits(
        orders_before,
        gaps_before,
        np.where(gaps_before >= 1, units.whole(features, "gap_ln_sum", missing=0) - last_ln, 0),
        np.where(gaps_before >= 1, units.whole(features, "gap_ln_sq_sum", missing=0) - last_ln**2, 0),
        cutpoints,
        thresholds.levels,
    )
    return np.where(gaps >= 1, days.churned_after_days, np.nan)


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: stage, cycle, delay and reason.

    Columns: customer_id, segment, tau_days, rho, reactivation_limit_days (customers with a gap), customer_age
    ('new', 'old' or null), churn_level (null for a prospect), reason_code, reason_params. Raises
    FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "lifecycle stages")
    level = levels.places(features, cutpoints, thresholds.levels)
    orders = units.whole(features, "orders_life")
    bought, once = orders >= 1, orders == 1
    recency = units.days_where(features, "recency_days", bought)
    tenure = units.days_where(features, "tenure_days", bought)
    tau = cycles(features, cutpoints, thresholds)
    rho = np.round(recency / tau, 4)
    limit = reactivation_limits(features, cutpoints, thresholds)
    last_gap = units.whole(features, "last_gap_days", missing=-1)
    net_90, net_90_before, net_270_before = (
        units.cents(features, name) for name in ("net_90d", "net_previous_90d", "net_previous_270d")
    )
    half, more = exact(thresholds.declining_ratio), exact(thresholds.growing_ratio)
    # 270 days are three times 90: net_90 <= ratio * net_270_before / 3, kept whole.
    fallen = (net_270_before > 0) & (3 * net_90 * half.denominator <= half.numerator * net_270_before)
    risen = (net_90 > 0) & (net_90_before > 0) & (net_90 * more.denominator >= more.numerator * net_90_before)
    stages = _reasons(cutpoints, thresholds)
    positions = np.select(
        [
            ~bought,
            once & (tenure <= thresholds.new_days),
            once & (tenure <= cutpoints.t2_days),
            level == levels.GROUPS.index("L4"),
            level == levels.GROUPS.index("L3"),
            (last_gap > limit) & (recency <= np.maximum(thresholds.reactivated_days, tau)),
            once,
            rho > thresholds.declining_rho,
            (tenure >= thresholds.declining_tenure_days) & fallen,
            tenure <= thresholds.growing_tenure_days,
            risen,
            orders >= thresholds.mature_orders,
        ],
        range(len(stages) - 1),
        len(stages) - 1,
    )
    columns = reasons.reason_columns(positions, stages)
    age = np.array([0 if stage.segment in NEW else 1 if stage.segment in OLD else -1 for stage in stages])
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "tau_days": np.where(bought, tau, np.nan),
            "rho": np.where(bought, rho, np.nan),
            "reactivation_limit_days": limit,
            "customer_age": reasons.labels(age[positions], AGES),
            "churn_level": reasons.labels(level - 1, levels.GROUPS[1:]),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(cutpoints: Cutpoints, thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The stages in precedence, the order `assign` counts in; each carries what its predicate compares."""
    settled = {"first_order_days": max(thresholds.new_days, cutpoints.t2_days)}
    not_back = {"reactivated_days": thresholds.reactivated_days}
    on_time = {**not_back, "declining_rho": thresholds.declining_rho}
    not_fallen = {
        **on_time,
        "declining_ratio": thresholds.declining_ratio,
        "declining_tenure_days": thresholds.declining_tenure_days,
    }
    old_enough = {**not_fallen, "growing_tenure_days": thresholds.growing_tenure_days}
    not_risen = {**old_enough, "growing_ratio": thresholds.growing_ratio}
    by_orders = {**not_risen, "mature_orders": thresholds.mature_orders}
    new_days = thresholds.new_days
    return (
        reasons.reason("LC0_prospect", "LC0_PROSPECT"),
        reasons.reason("LC1_new", "LC1_NEW", new_days=new_days),
        reasons.reason(
            "LC2_awaiting_second", "LC2_AWAITING_SECOND", new_days=new_days, t2_days=cutpoints.t2_days
        ),
        reasons.reason("LC8_churned", "LC8_CHURNED", **settled),
        reasons.reason("LC7_dormant", "LC7_DORMANT", **settled),
        reasons.reason("LC9_reactivated", "LC9_REACTIVATED", **not_back),
        reasons.reason("LC10_one_time_overdue", "LC10_ONE_TIME_OVERDUE", **settled),
        reasons.reason("LC6_declining", "LC6_DECLINING_RHYTHM", **on_time),
        reasons.reason("LC6_declining", "LC6_DECLINING_VALUE", **not_fallen),
        reasons.reason("LC3_growing", "LC3_GROWING_YOUNG", **old_enough),
        reasons.reason("LC3_growing", "LC3_GROWING_VALUE", **not_risen),
        reasons.reason("LC4_mature", "LC4_MATURE", **by_orders),
        reasons.reason("LC5_steady_light", "LC5_STEADY_LIGHT", **by_orders),
    )
