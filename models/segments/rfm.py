"""RFM: recency, frequency and monetary scores, and the grid of eleven segments.

R  mid-rank quintile of recency_days, reversed; 5 = recent. Population: customers with an order ever.
F  1 if and only if there is one order ever; 2 for a repeat customer without an order in the window;
   otherwise 1 + the quartile (1-4) of orders_w among repeat customers with an order in the window.
M  1 if net_w <= 0, otherwise the mid-rank quintile of net_w among customers with net_w > 0.
FM 1 if F = 1, otherwise floor((F + M) / 2 + 0.5).

The window ends before as_of. Pinning F keeps a one-time buyer from passing as a frequent one where most
customers bought once. The grid covers all 25 cells of R x FM, each in one segment; without an order a
customer is a prospect and has no scores. Source: definitions part 8, section 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import quantiles, reasons, units
from models.thresholds import check_cents, check_kinds, check_rising, check_within, exact, refuse, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = (
    "RFM00",  # prospect
    "RFM01",  # champions
    "RFM02",  # loyal
    "RFM03",  # potential loyalist
    "RFM04",  # new
    "RFM05",  # promising
    "RFM06",  # need attention
    "RFM07",  # about to sleep
    "RFM08",  # at risk
    "RFM09",  # can't lose them
    "RFM10",  # hibernating
    "RFM11",  # lost
)
FEATURES = ("customer_id", "orders_life", "orders_w", "net_w", "recency_days")
COLUMNS = {
    "r": "integer",
    "f": "integer",
    "m": "integer",
    "fm": "integer",
    "rfm_code": "varchar",
    "rfm8_code": "varchar",
}

# Rows R = 5 to 1, columns FM = 5 to 1, as printed in the definitions.
GRID = {
    5: ("RFM01", "RFM01", "RFM03", "RFM03", "RFM04"),
    4: ("RFM02", "RFM02", "RFM03", "RFM03", "RFM05"),
    3: ("RFM02", "RFM02", "RFM06", "RFM07", "RFM07"),
    2: ("RFM09", "RFM08", "RFM08", "RFM10", "RFM10"),
    1: ("RFM09", "RFM08", "RFM08", "RFM11", "RFM11"),
}
RFM_CODES = tuple(f"{r}{f}{m}" for r in range(1, 6) for f in range(1, 6) for m in range(1, 6))
RFM8_CODES = tuple(f"{r}{f}{m}" for r in "LH" for f in "LH" for m in "LH")


def WHATIF(cutpoints: Cutpoints, thresholds: Thresholds) -> tuple[str, ...]:  # noqa: N802 - a declaration
    """The cuts in force, wherever they come from; high_score moves no segment."""
    if thresholds.mode == "fixed" or cutpoints.status == "insufficient":
        return ("fixed_recency_days", "fixed_orders", "fixed_net")
    return ("r_cuts", "f_cuts", "m_cuts")


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the RFM scores. Raises ThresholdInvalid for a value that makes no sense.

    The fixed break points are used in mode `fixed`, and in mode `quantile` for as long as the cut-points in
    force rest on too little data.
    """

    mode: str = threshold(
        "quantile",
        unit="quantile or fixed",
        reason="quantiles need no knowledge of the trade or the currency",
    )
    high_score: int = threshold(
        4, unit="score", reason="4 and 5 are the upper two fifths: high in the eight-cell label"
    )
    fixed_recency_days: tuple[int, int, int, int] = threshold(
        (30, 90, 180, 365), unit="days", reason="last month, quarter, half-year, year score 5, 4, 3, 2"
    )
    fixed_orders: tuple[int, int, int] = threshold(
        (3, 6, 12), unit="orders in the window", reason="a third order, every second month, every month"
    )
    fixed_net: tuple[float, float, float, float] = threshold(
        (100, 300, 1000, 3000), unit="currency", reason="about threefold steps; set them for the currency"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.mode not in {"quantile", "fixed"}:
            refuse(self, "mode", "'quantile' or 'fixed'")
        check_within(self, 2, 5, "high_score")
        check_rising(self, "fixed_recency_days", "fixed_orders", "fixed_net")
        check_cents(self, "fixed_net")


def segment_of(r: int, fm: int) -> str:
    """The segment of one cell of the grid."""
    return GRID[r][5 - fm]


def combined(f: int, m: int) -> int:
    """FM of one pair of scores: the mean of F and M, halves upwards, and 1 for a one-time buyer."""
    return 1 if f == 1 else (f + m + 1) // 2


def monetary_score(net_cents: np.ndarray, cuts: tuple[int | None, ...]) -> np.ndarray:
    """M of each amount in cents: 1 unless it is positive, otherwise 1 + the cuts it reaches."""
    import numpy as np

    return np.where(net_cents > 0, quantiles.score(net_cents, cuts), 1).astype(np.int8)


def frequency_score(orders_life: np.ndarray, orders: np.ndarray, cuts: tuple[int | None, ...]) -> np.ndarray:
    """F of customers with `orders` in the window, or ever where `orders` is `orders_life` itself."""
    import numpy as np

    return np.select([orders_life == 1, orders <= 0], [1, 2], 1 + quantiles.score(orders, cuts)).astype(
        np.int8
    )


def cuts_in_force(
    cutpoints: Cutpoints, thresholds: Thresholds
) -> tuple[tuple[int | None, ...], tuple[int | None, ...], tuple[int | None, ...]]:
    """Cuts of -recency_days, of orders in the window and of net in cents, each from low to high."""
    if thresholds.mode == "fixed" or cutpoints.status == "insufficient":
        return (
            tuple(-days for days in reversed(thresholds.fixed_recency_days)),
            tuple(thresholds.fixed_orders),
            tuple(int(exact(amount) * 100) for amount in thresholds.fixed_net),
        )
    return cutpoints.r_cuts, cutpoints.f_cuts, cutpoints.m_cuts


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: scores, codes, segment and reason.

    Columns: customer_id, segment, r, f, m, fm (1 to 5), rfm_code such as 545, rfm8_code such as HLH,
    reason_code, reason_params. Scores and codes are null for a prospect. Raises FeatureMissing or
    FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "rfm")
    orders_life = units.whole(features, "orders_life")
    orders_w = units.whole(features, "orders_w")
    net_w = units.cents(features, "net_w")
    bought = orders_life >= 1
    recency = units.days_where(features, "recency_days", bought)

    r_cuts, f_cuts, m_cuts = cuts_in_force(cutpoints, thresholds)
    r = quantiles.score(-recency, r_cuts)
    f = frequency_score(orders_life, orders_w, f_cuts)
    m = monetary_score(net_w, m_cuts)
    fm = np.where(f == 1, 1, (f + m + 1) // 2).astype(np.int8)

    r0, f0, m0 = (each.astype(np.int64) - 1 for each in (r, f, m))
    positions = np.select(
        [~bought, orders_life == 1, orders_w <= 0],
        [0, 1 + r0, 6 + r0 * 5 + m0],
        31 + (r0 * 4 + f0 - 1) * 5 + m0,
    )
    columns = reasons.reason_columns(positions, _reasons(r_cuts, f_cuts, m_cuts))
    high = thresholds.high_score
    code = np.where(bought, r0 * 25 + f0 * 5 + m0, -1)
    code8 = np.where(bought, (r >= high) * 4 + (f >= high) * 2 + (m >= high), -1)

    def of_buyers(scores: np.ndarray) -> pd.arrays.IntegerArray:
        return pd.arrays.IntegerArray(scores, ~bought)

    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "r": of_buyers(r),
            "f": of_buyers(f),
            "m": of_buyers(m),
            "fm": of_buyers(fm),
            "rfm_code": reasons.labels(code, RFM_CODES),
            "rfm8_code": reasons.labels(code8, RFM8_CODES),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(
    r_cuts: tuple[int | None, ...], f_cuts: tuple[int | None, ...], m_cuts: tuple[int | None, ...]
) -> tuple[reasons.Reason, ...]:
    """prospect; one-time by R; lapsed by R and M; repeat by R, F and M: the order `assign` counts in."""
    recency = {r: _recency_bounds(r, r_cuts) for r in range(1, 6)}
    orders = {f: _order_bounds(f, f_cuts) for f in range(2, 6)}
    net = {m: _net_bounds(m, m_cuts) for m in range(1, 6)}
    found = [reasons.reason("RFM00", "RFM_PROSPECT")]
    for r in range(1, 6):
        found.append(reasons.reason(segment_of(r, 1), "RFM_ONE_TIME", r=r, **recency[r]))
    for r in range(1, 6):
        for m in range(1, 6):
            fm = combined(2, m)
            found.append(
                reasons.reason(segment_of(r, fm), "RFM_LAPSED", r=r, m=m, fm=fm, **recency[r], **net[m])
            )
    for r in range(1, 6):
        for f in range(2, 6):
            for m in range(1, 6):
                fm = combined(f, m)
                found.append(
                    reasons.reason(
                        segment_of(r, fm),
                        "RFM_REPEAT",
                        r=r,
                        f=f,
                        m=m,
                        fm=fm,
                        **recency[r],
                        **orders[f],
                        **net[m],
                    )
                )
    return tuple(found)


def _recency_bounds(r: int, cuts: tuple[int | None, ...]) -> dict[str, int | str]:
    """The days (over, upto] that score `r`, for the predicate and, as recency_range, for the reader."""
    # Score r needs -recency to reach cut r - 1 and miss cut r; a cut of None is reached by no recency.
    days = [reasons.NEVER_DAYS, *(-1 if cut is None else -cut for cut in cuts), -1]
    upto, over = days[r - 1], days[r]
    shown = f">= {over + 1}" if upto == reasons.NEVER_DAYS else f"{over + 1}–{upto}"
    return {"recency_over": over, "recency_upto": upto, "recency_range": shown}


def _order_bounds(f: int, cuts: tuple[int | None, ...]) -> dict[str, int | str]:
    """The orders [from, below) that score `f`, for the predicate and, as orders_range, for the reader."""
    orders = [1, *(reasons.NEVER_ORDERS if cut is None else cut for cut in cuts), reasons.NEVER_ORDERS]
    least, below = orders[f - 2], orders[f - 1]
    shown = f">= {least}" if below == reasons.NEVER_ORDERS else f"{least}–{below - 1}"
    return {"orders_from": least, "orders_below": below, "orders_range": shown}


def _net_bounds(m: int, cuts: tuple[int | None, ...]) -> dict[str, float | str]:
    """The net amounts [from, below) that score `m`, for the predicate and, as net_range, for the reader."""
    amounts = [-reasons.NEVER_MONEY, *(reasons.money(cut) for cut in cuts), reasons.NEVER_MONEY]
    least, below = amounts[m - 1], amounts[m]
    if below == reasons.NEVER_MONEY:
        shown = "any" if m == 1 else f">= {least:.2f}"
    elif m == 1:
        shown = f"< {below:.2f}"
    else:
        shown = f"{least:.2f}–{below - 0.01:.2f}"
    return {"net_from": least, "net_below": below, "net_range": shown}
