"""Value tier: ABC classes by what a customer brought in over the window.

The value v is the gross margin where costs are known, else the net. With customers in descending order of v,
cum_before is the share of the total that belongs to customers with strictly more:

    A  v > 0 and cum_before < 0.80      B  v > 0 and cum_before < 0.95      C  v > 0, the rest
    D  v <= 0, or no order in the window

A cut-point artifact keeps the smallest v of A and of B, and a row is judged by those two numbers alone. Equal
values are in equal classes, because only strictly larger ones count. Source: definitions part 8, section 5.

The basis is decided once, when the cut-points are fitted, from the share of the window's net that has a known
cost. Under the margin basis a customer with orders but without any known cost is judged by net against net's
own cuts, and `value_basis` says so: a margin of zero would be an invented number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_kinds, check_within, exact, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("A", "B", "C", "D")
FEATURES = ("customer_id", "orders_w", "net_w", "margin_w")
COLUMNS = {"value_basis": "varchar", "value": "double", "care_level": "varchar"}
BASES = ("net", "margin")
CARE_LEVELS = ("high", "middle", "light")
WHATIF = ("net_tiers", "margin_tiers")  # the shares act through them, when cut-points are fitted


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the value tiers. Raises ThresholdInvalid for a value that makes no sense."""

    a_share: float = threshold(0.80, unit="share of value", reason="Pareto's four fifths; a convention")
    b_share: float = threshold(0.95, unit="share of value", reason="the usual next step; a convention")
    min_cost_coverage: float = threshold(
        0.95, unit="share of net", reason="margin is better than net only where nearly all costs are known"
    )
    top_share: float = threshold(
        0.20, unit="share of customers", reason="the fifth that the 80/20 rule speaks of"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0.01, 1, "min_cost_coverage", "b_share")
        check_within(self, 0.01, self.b_share, "a_share")
        check_within(self, 0.001, 1, "top_share")


@dataclass(frozen=True)
class TierCuts:
    """The cuts of one basis, in cents, and how unequal the values behind them are.

    v_a and v_b are the smallest values of class A and of class B (v_a again where B is empty), None where
    nobody has a positive value. gini and top_share are over customers with a positive value.
    """

    v_a: int | None
    v_b: int | None
    customers: int
    gini: float | None
    top_share: float | None


def fit_tier_cuts(value_cents: np.ndarray, thresholds: Thresholds) -> TierCuts:
    """The cuts for a population's values in cents; values of zero or less play no part.

    Sums are Python integers: they are exact, and have no largest value.
    """
    import numpy as np

    distinct, counts = np.unique(value_cents[value_cents > 0], return_counts=True)
    groups = list(zip(distinct.tolist(), counts.tolist(), strict=True))
    if not groups:
        return TierCuts(None, None, 0, None, None)
    total = sum(value * count for value, count in groups)
    n = sum(count for _, count in groups)
    a_share, b_share = exact(thresholds.a_share), exact(thresholds.b_share)
    v_a = v_b = None
    larger = 0  # what customers with strictly more brought in
    for value, count in reversed(groups):
        if larger * a_share.denominator < a_share.numerator * total:
            v_a = value
        elif larger * b_share.denominator < b_share.numerator * total:
            v_b = value
        else:
            break
        larger += value * count
    # Gini from ranks: with values rising, G = 2 * sum(i * v_i) / (n * total) - (n + 1) / n.
    below = ranked = 0
    for value, count in groups:
        # Ranks below + 1 to below + count add up to count * (2 * below + count + 1) / 2.
        ranked += value * (count * (2 * below + count + 1) // 2)
        below += count
    gini = (2 * ranked - (n + 1) * total) / (n * total)
    top, places = 0, ceil(exact(thresholds.top_share) * n)
    for value, count in reversed(groups):
        top += value * min(count, places)
        places -= min(count, places)
    return TierCuts(v_a, v_a if v_b is None else v_b, n, round(gini, 6), round(top / total, 6))


def cost_coverage(features: pd.DataFrame) -> float:
    """The share of the window's net whose cost is known, to six places; 0 where nobody has a positive net."""
    import numpy as np

    net = units.cents(features, "net_w")
    counted = (units.whole(features, "orders_w") > 0) & (net > 0)
    known = features["cost_coverage_w"].to_numpy(dtype=np.float64, na_value=0.0)
    millionths = np.rint(np.nan_to_num(known[counted]) * 1_000_000).astype(np.int64).tolist()
    net = net[counted].tolist()
    total = sum(net)
    if total == 0:
        return 0.0
    return round(
        sum(part * amount for part, amount in zip(millionths, net, strict=True)) / (total * 1_000_000), 6
    )


def fit_basis(features: pd.DataFrame, thresholds: Thresholds) -> tuple[str, float]:
    """The basis for everybody ('margin' or 'net') and the cost coverage that decided it."""
    coverage = cost_coverage(features)
    return ("margin" if coverage >= thresholds.min_cost_coverage else "net"), coverage


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: class, value and reason.

    Columns: customer_id, segment (A to D), value_basis, value (two places), care_level (null for D),
    reason_code, reason_params. `thresholds` is part of every scheme's signature; the shares in it act when
    cut-points are fitted. Raises FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "value tiers")
    ordered = units.whole(features, "orders_w") > 0
    by_net = units.cents(features, "net_w")
    known = features["margin_w"].notna().to_numpy()
    margin = known & (cutpoints.value_basis == "margin")
    by_margin = units.cents(features, "margin_w", missing=0)
    value = np.where(margin, by_margin, by_net)

    def tier(values: np.ndarray, cuts: TierCuts) -> np.ndarray:
        a = np.zeros(len(values), dtype=bool) if cuts.v_a is None else values >= cuts.v_a
        b = np.zeros(len(values), dtype=bool) if cuts.v_b is None else values >= cuts.v_b
        return np.select([values <= 0, a, b], [3, 0, 1], 2)

    tiers = tier(by_net, cutpoints.net_tiers)
    if cutpoints.margin_tiers is not None:
        tiers = np.where(margin, tier(by_margin, cutpoints.margin_tiers), tiers)
    # 0 for no order in the window; then four tiers for each of: net, margin, net for want of a cost.
    kind = np.where(margin, 1, 2 if cutpoints.value_basis == "margin" else 0)
    positions = np.where(ordered, 1 + kind * 4 + tiers, 0)
    columns = reasons.reason_columns(positions, _reasons(cutpoints))
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "value_basis": reasons.labels(margin.astype(np.int64), BASES),
            "value": value / 100,
            "care_level": reasons.labels(np.where(ordered & (tiers < 3), tiers, -1), CARE_LEVELS),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(cutpoints: Cutpoints) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    found = [reasons.reason("D", "VT_NO_ORDER")]
    for basis, cuts in (
        ("NET", cutpoints.net_tiers),
        ("MARGIN", cutpoints.margin_tiers or cutpoints.net_tiers),
        ("NET_NO_COST", cutpoints.net_tiers),
    ):
        v_a, v_b = reasons.money(cuts.v_a), reasons.money(cuts.v_b)
        found += [
            reasons.reason("A", f"VT_A_{basis}", v_a=v_a),
            reasons.reason("B", f"VT_B_{basis}", v_a=v_a, v_b=v_b),
            reasons.reason("C", f"VT_C_{basis}", v_b=v_b),
            reasons.reason("D", f"VT_D_{basis}"),
        ]
    return tuple(found)
