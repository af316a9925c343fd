"""Dormancy levels: how long a customer has been quiet, measured by the customer's own purchase rhythm.

The gaps between a customer's purchase occasions are taken as lognormal, with mean and spread shrunk towards
the population's. Quantiles of that law are the limits of the levels:

    L0 active    recency <= q75              L1 watch    q75 < recency <= q90
    L2 warning   q90 < recency <= q95        L3 dormant  q95 < recency <= max(2 * q95, 180)
    L4 churned   longer

A one-time buyer has no gap, and the gaps of those who came back say nothing about those who did not; so the
law of a one-time buyer is that of the time to the second order. A repeat customer whose orders all fell on
one day has no gap either and follows the population's gap law. Where fewer than `min_repeat_buyers` stand
behind a law, everybody follows the calendar. Source: definitions part 8, section 7.

What section 7 leaves open, and what is done here:
* The population's spread is the root of the mean, over customers with a gap, of each customer's mean squared
  distance from the population's mean. Every customer weighs the same, and a customer with one gap counts
  without needing a spread of their own (a mean of personal spreads would count them as perfectly regular).
* q90 and q95 are held above q75 as it was before the cap of 365 days, and are not capped themselves:
  a customer who buys once a year still passes through watch and warning instead of falling from active
  into dormant on day 366.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from models import reasons, units
from models.thresholds import check_above, check_kinds, check_rising, check_within, exact, refuse, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("no_order", "L0", "L1", "L2", "L3", "L4")
FEATURES = (
    "customer_id",
    "orders_life",
    "recency_days",
    "gaps",
    "gap_ln_sum",
    "gap_ln_sq_sum",
)
COLUMNS = {
    "q75_days": "double",
    "q90_days": "double",
    "q95_days": "double",
    "churned_after_days": "double",
    "gap_mu": "double",
    "gap_sigma": "double",
    "basis": "varchar",
    "flag_churn_risk": "boolean",
}

BASES = ("personal", "second_order", "population", "calendar")
# The other numbers also act where T2 and the laws are fitted: a step of theirs is more than a step of levels.
WHATIF = ("churned_ratio", "churned_floor_days")
LN_SCALE = 1_000_000  # logarithms arrive as round(ln * 1e6), so that sums do not depend on their order
_Z75, _Z90, _Z95 = (NormalDist().inv_cdf(share) for share in (0.75, 0.90, 0.95))


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the dormancy levels. Raises ThresholdInvalid for a value that makes no sense."""

    shrinkage: float = threshold(
        3,
        unit="gaps",
        reason="a customer's own rhythm weighs as much as the population's from the fourth gap on",
    )
    min_repeat_buyers: int = threshold(
        100, unit="customers", reason="fewer do not make a law; the calendar is used instead"
    )
    q75_floor_days: float = threshold(
        14, unit="days", reason="two weeks of quiet worry nobody, however often a customer came before"
    )
    q75_cap_days: float = threshold(365, unit="days", reason="a year without a purchase is not activity")
    q90_ratio: float = threshold(
        1.5, unit="times q75", reason="a very regular customer still gets a band of watch"
    )
    q95_ratio: float = threshold(
        2.0, unit="times q75", reason="a very regular customer still gets a band of warning"
    )
    churned_ratio: float = threshold(
        2.0, unit="times q95", reason="twice the wait that one gap in twenty exceeds"
    )
    churned_floor_days: float = threshold(
        180, unit="days", reason="nobody is given up within half a year (Omnisend's limit for lost)"
    )
    calendar_days: tuple[float, float, float, float] = threshold(
        (40, 90, 135, 180),
        unit="days",
        reason="Omnisend's 40, 90 and 180; 135 is the midpoint of the last two",
    )
    risk_levels: tuple[str, str] = threshold(
        ("L2", "L3"), unit="levels", reason="later than usual, and not yet given up"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 1000, "shrinkage")
        check_above(self, 0, "shrinkage", "min_repeat_buyers", "q75_floor_days", "churned_floor_days")
        check_within(self, self.q75_floor_days, 36_500, "q75_cap_days")
        check_within(self, 1, 100, "q90_ratio", "churned_ratio")
        check_within(self, self.q90_ratio, 100, "q95_ratio")
        check_rising(self, "calendar_days")
        if not set(self.risk_levels) <= set(GROUPS[1:]):
            refuse(self, "risk_levels", f"levels among {GROUPS[1:]}")


@dataclass(frozen=True)
class GapLaw:
    """A lognormal law of days: mean and standard deviation of ln(days), and the customers behind it."""

    mu: float
    sigma: float
    customers: int


class Limits(NamedTuple):
    """The limits of the levels in days, rounded once to two places; scalars or arrays of one length."""

    q75_days: np.ndarray
    q90_days: np.ndarray
    q95_days: np.ndarray
    churned_after_days: np.ndarray


def gap_moments(gaps: np.ndarray, ln_sum: np.ndarray, ln_sq_sum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of ln(gap), and sum of squared distances from it, for customers with at least one gap.

    The inputs are int64 fixed-point sums. Distances are taken from the whole millionth below the mean, where
    integers are exact and the variance is too large by less than 1e-12: `sum(x*x) - mean*sum(x)` in doubles
    would lose the digits that matter. Overflow on the way does no harm, because int64 arithmetic is exact
    modulo 2**64 and the result is small.
    """
    import numpy as np

    n = np.maximum(gaps, 1)
    near = ln_sum // n
    about_near = ln_sq_sum - near * (2 * ln_sum - near * n)
    return ln_sum / n / LN_SCALE, np.maximum(about_near, 0) / LN_SCALE**2


def fit_gap_law(features: pd.DataFrame, thresholds: Thresholds) -> GapLaw | None:
    """The population's law of the days between purchase occasions; None below `min_repeat_buyers`.

    Every customer with a gap weighs the same, however many gaps they have, or the law would be that of the
    most frequent buyers alone.
    """
    gaps = units.whole(features, "gaps", missing=0)
    with_gap = gaps >= 1
    customers = int(with_gap.sum())
    if customers < thresholds.min_repeat_buyers:
        return None
    mean, squares = gap_moments(
        gaps[with_gap],
        units.whole(features, "gap_ln_sum", missing=0)[with_gap],
        units.whole(features, "gap_ln_sq_sum", missing=0)[with_gap],
    )
    mu = round(fsum(mean.tolist()) / customers, 6)
    spread = squares / gaps[with_gap] + (mean - mu) ** 2
    return GapLaw(mu, round(sqrt(fsum(spread.tolist()) / customers), 6), customers)


def fit_second_order_law(features: pd.DataFrame, thresholds: Thresholds) -> GapLaw | None:
    """The population's law of the days from first to second order; None below `min_repeat_buyers`.

    A second order on the day of the first counts as one day, since zero has no logarithm.
    """
    import numpy as np

    days = units.whole(features, "second_order_days", missing=-1)
    days = np.maximum(days[days >= 0], 1)
    if len(days) < thresholds.min_repeat_buyers:
        return None
    logs = np.log(days)
    mu = round(fsum(logs.tolist()) / len(days), 6)
    return GapLaw(mu, round(sqrt(fsum(((logs - mu) ** 2).tolist()) / len(days)), 6), len(days))


def limits(mu: np.ndarray, sigma: np.ndarray, thresholds: Thresholds) -> Limits:
    """The limits of lognormal laws, one per element of `mu` and `sigma`.

    Held in whole hundredths of a day, so that what is published is what is compared.
    """
    import numpy as np

    def hundredths(days: np.ndarray) -> np.ndarray:
        return np.rint(days * 100)

    def times(ratio: float, days: np.ndarray) -> np.ndarray:
        exactly = exact(ratio)
        return -(-days * exactly.numerator // exactly.denominator)

    uncapped = np.maximum(hundredths(np.exp(mu + _Z75 * sigma)), hundredths(thresholds.q75_floor_days))
    q90 = np.maximum(hundredths(np.exp(mu + _Z90 * sigma)), times(thresholds.q90_ratio, uncapped))
    q95 = np.maximum(hundredths(np.exp(mu + _Z95 * sigma)), times(thresholds.q95_ratio, uncapped))
    churned = np.maximum(times(thresholds.churned_ratio, q95), hundredths(thresholds.churned_floor_days))
    q75 = np.minimum(uncapped, hundredths(thresholds.q75_cap_days))
    return Limits(q75 / 100, q90 / 100, q95 / 100, churned / 100)


def law_limits(law: GapLaw | None, thresholds: Thresholds) -> tuple[float, float, float, float]:
    """The limits of one law, or the calendar's where there is no law."""
    import numpy as np

    if law is None:
        return tuple(float(days) for days in thresholds.calendar_days)
    return tuple(float(each[0]) for each in limits(np.array([law.mu]), np.array([law.sigma]), thresholds))


def personal_law(
    gaps: np.ndarray, ln_sum: np.ndarray, ln_sq_sum: np.ndarray, law: GapLaw, thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray]:
    """mu and sigma of each customer, shrunk towards `law`, rounded to six places; `law` itself at no gaps.

    mu = (n * mean + k * mu_0) / (n + k);  sigma^2 = ((n - 1) * s^2 + k * sigma_0^2) / (n - 1 + k).
    """
    import numpy as np

    k = float(thresholds.shrinkage)
    mean, squares = gap_moments(gaps, ln_sum, ln_sq_sum)
    any_gap = gaps >= 1
    mu = np.where(any_gap, (gaps * mean + k * law.mu) / (gaps + k), law.mu)
    # (n - 1) * s^2 is the sum of squares itself, and 0 for a single gap.
    degrees = np.maximum(gaps - 1, 0)
    variance = (np.where(gaps >= 2, squares, 0.0) + k * law.sigma**2) / (degrees + k)
    return np.round(mu, 6), np.round(np.sqrt(variance), 6)


def customer_limits(
    orders_life: np.ndarray,
    gaps: np.ndarray,
    ln_sum: np.ndarray,
    ln_sq_sum: np.ndarray,
    cutpoints: Cutpoints,
    thresholds: Thresholds,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Limits]:
    """Position in BASES, mu, sigma and limits of each customer; position -1 without an order.

    On the calendar mu and sigma are nan.
    """
    import numpy as np

    bought = orders_life >= 1
    if cutpoints.gap_law is None or cutpoints.second_order_law is None:
        unknown = np.full(len(gaps), np.nan)
        days = (np.full(len(gaps), limit) for limit in law_limits(None, thresholds))
        return np.where(bought, BASES.index("calendar"), -1), unknown, unknown, Limits(*days)
    basis = np.select(
        [~bought, orders_life == 1, gaps >= 1],
        [-1, BASES.index("second_order"), BASES.index("personal")],
        BASES.index("population"),
    )
    mu, sigma = personal_law(gaps, ln_sum, ln_sq_sum, cutpoints.gap_law, thresholds)
    one_time = orders_life == 1
    mu = np.where(one_time, cutpoints.second_order_law.mu, mu)
    sigma = np.where(one_time, cutpoints.second_order_law.sigma, sigma)
    return basis, mu, sigma, limits(mu, sigma, thresholds)


def level_numbers(recency_days: np.ndarray, limits_days: Limits) -> np.ndarray:
    """0 to 4 for L0 to L4: how many limits the recency lies beyond. A limit itself is still inside."""
    import numpy as np

    return sum((recency_days > limit).astype(np.int8) for limit in limits_days)


def places(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """The place in GROUPS of each customer's level: 0 without an order. Raises as `assign` does."""
    import numpy as np

    bought, level, *_ = _judged(features, cutpoints, thresholds)
    return np.where(bought, 1 + level, 0)


def _judged(
    features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, Limits]:
    """Whether a customer has an order; number of the level, position in BASES, mu, sigma and limits."""
    units.require(features, FEATURES, "churn levels")
    orders_life = units.whole(features, "orders_life")
    bought = orders_life >= 1
    recency = units.days_where(features, "recency_days", bought)
    basis, mu, sigma, days = customer_limits(
        orders_life,
        units.whole(features, "gaps", missing=0),
        units.whole(features, "gap_ln_sum", missing=0),
        units.whole(features, "gap_ln_sq_sum", missing=0),
        cutpoints,
        thresholds,
    )
    return bought, level_numbers(recency, days), basis, mu, sigma, days


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: level, limits, law and reason.

    Columns: customer_id, segment (L0..L4 or no_order), q75_days, q90_days, q95_days, churned_after_days,
    gap_mu, gap_sigma, basis, flag_churn_risk, reason_code, reason_params. Limits, law and basis are null
    without an order; the law is null on the calendar. Raises FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    bought, level, basis, mu, sigma, days = _judged(features, cutpoints, thresholds)
    positions = np.where(bought, 1 + basis * 5 + level, 0)
    all_reasons = _reasons(cutpoints, thresholds)
    columns = reasons.reason_columns(positions, all_reasons)
    risky = np.array([each.segment in thresholds.risk_levels for each in all_reasons])
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            **{name: np.where(bought, limit, np.nan) for name, limit in days._asdict().items()},
            "gap_mu": np.where(bought, mu, np.nan),
            "gap_sigma": np.where(bought, sigma, np.nan),
            "basis": reasons.labels(basis, BASES),
            "flag_churn_risk": risky[positions],
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(cutpoints: Cutpoints, thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """no_order, then the five levels of each basis in the order of BASES.

    Limits that are the same for everybody are parameters; personal ones are published columns.
    """
    laws = {"personal": cutpoints.gap_law, "population": cutpoints.gap_law}
    laws["second_order"] = cutpoints.second_order_law
    found = [reasons.reason("no_order", "CHURN_NO_ORDER")]
    for basis in BASES:
        law = laws.get(basis)
        if basis == "personal":
            params = {"shrinkage": thresholds.shrinkage}
            if law is not None:
                params |= {"gap_mu_0": law.mu, "gap_sigma_0": law.sigma, "customers": law.customers}
        else:
            names = ("q75_days", "q90_days", "q95_days", "churned_after_days")
            params = dict(zip(names, law_limits(law, thresholds), strict=True))
        for level in GROUPS[1:]:
            found.append(reasons.reason(level, f"CHURN_{basis.upper()}_{level}", **params))
    return tuple(found)
