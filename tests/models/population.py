"""Made-up customers for the tests: purchase days in, the columns of customer_features out.

`customer(...)` computes one row from purchase days in the plainest way there is; `crowd(...)` draws many.
"""

from __future__ import annotations

import math
import statistics
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType

import drawn_engagement
import drawn_profile
import drawn_taste
import drawn_voice
import numpy as np
import pandas as pd

from models import cutpoints
from models.churn.levels import GapLaw
from models.segments.value_tier import TierCuts

AS_OF = date(2018, 1, 1)
FAMILIES = (drawn_profile, drawn_taste, drawn_voice, drawn_engagement)
"""A module per family of schemes: COLUMNS of features it adds, draw(rng, row) → a value for each of them."""
ZEROS = {
    **dict.fromkeys(cutpoints.COUNTS, 0),
    **dict.fromkeys(cutpoints.MONEY, Decimal("0.00")),
    "gap_ln_sum": 0,
    "gap_ln_sq_sum": 0,
    "cost_coverage_w": 0.0,
    "margin_w": None,
    "rating_mean_365d": None,
    "gap_median_days": None,
    "recency_days": None,
    "tenure_days": None,
    "second_order_days": None,
    "last_gap_days": None,
    "top_category": None,
    "as_of": AS_OF,
    "known_on": AS_OF,
    **{name: None for family in FAMILIES for name in family.COLUMNS},
}


def customer(customer_id: str, *orders: tuple[int, float], **overrides: object) -> dict[str, object]:
    """One row from orders given as (days before as_of, net amount); overrides replace any column."""
    row = {"customer_id": customer_id, **ZEROS}
    if orders:
        ages = sorted((age for age, _ in orders), reverse=True)
        days = sorted(set(ages), reverse=True)
        gaps = [early - late for early, late in pairwise(days)]
        logs = [round(math.log(gap) * 1_000_000) for gap in gaps]

        def net(oldest: int, youngest: int) -> Decimal:
            return sum(
                (Decimal(str(amount)) for age, amount in orders if youngest < age <= oldest), Decimal("0.00")
            )

        row |= {
            "orders_life": len(orders),
            "orders_w": sum(age <= 365 for age in ages),
            "net_life": net(10**6, 0),
            "net_w": net(365, 0),
            "net_90d": net(90, 0),
            "net_previous_90d": net(180, 90),
            "net_previous_270d": net(360, 90),
            "recency_days": ages[-1],
            "tenure_days": ages[0],
            "occasions_life": len(days),
            "second_order_days": ages[0] - ages[1] if len(ages) > 1 else None,
            "gaps": len(gaps),
            "gap_ln_sum": sum(logs),
            "gap_ln_sq_sum": sum(log * log for log in logs),
            "gap_median_days": float(statistics.median(gaps)) if gaps else None,
            "last_gap_days": gaps[-1] if gaps else None,
        }
    return row | overrides


def frame(*rows: dict[str, object]) -> pd.DataFrame:
    """Rows as a frame, decimals and dates as Python objects, the way pyarrow hands them over."""
    return pd.DataFrame(list(rows), columns=["customer_id", *ZEROS])


def crowd(size: int, seed: int = 0) -> pd.DataFrame:
    """`size` customers, about a tenth of them prospects and a quarter one-time buyers."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(size):
        orders = int(rng.choice([0, 1, 2, 3, 4, 6, 10, 15], p=[0.1, 0.25, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1]))
        start = int(rng.integers(1, 700))
        pace = float(rng.lognormal(3.0, 0.8))
        ages = [start]
        for _ in range(orders - 1):
            ages.append(max(1, ages[-1] - int(rng.integers(0, max(2, round(2 * pace))))))
        amounts = np.round(rng.lognormal(3.0, 1.0, size=orders), 2)
        # A few lose more to returns than they bought for.
        loss = Decimal(str(round(float(rng.integers(0, 80)), 2))) if rng.random() < 0.1 else Decimal(0)
        row = customer(f"c{number:05d}", *zip(ages[:orders], amounts.tolist(), strict=True))
        row |= {name: row[name] - loss for name in ("net_life", "net_w", "net_90d")}
        row["top_category"] = str(rng.choice(["drinks", "bread", "meat"])) if row["orders_w"] else None
        for family in FAMILIES:  # a stream of its own, so that one family's draws never move another's
            own = np.random.default_rng([seed, number, *family.__name__.encode()])
            row |= family.draw(own, row)
        rows.append(row)
    return frame(*rows)


def cuts(**overrides: object) -> cutpoints.Cutpoints:
    """Cut-points in round numbers, with the laws of a shop people come back to after about a month.

    R 5 up to 10 days, then 20, 30, 40; F 3, 4, 5 from 4, 6, 8 orders; M 2 to 5 from 10, 20, 30, 40 of net.
    """
    plain = {
        "as_of": "2018-01-01",
        "known_on": "2018-01-01",
        "status": "ok",
        "shortfalls": (),
        "counts": MappingProxyType({}),
        "r_cuts": (-40, -30, -20, -10),
        "f_cuts": (4, 6, 8),
        "m_cuts": (1000, 2000, 3000, 4000),
        "f_life_cuts": (4, 6, 8),
        "m_life_cuts": (1000, 2000, 3000, 4000),
        "t2_days": 50,
        "tau_0_days": 20.0,
        "tau_0_by_category": MappingProxyType({}),
        "gap_law": GapLaw(3.4, 0.5, 1000),
        "second_order_law": GapLaw(3.7, 0.8, 1000),
        "gap_limits_days": (),
        "second_order_limits_days": (),
        "value_basis": "net",
        "cost_coverage": 0.0,
        "net_tiers": TierCuts(2500, 1000, 5, 0.5, 0.6),
        "margin_tiers": None,
        "fitted": MappingProxyType({}),
        "reference_quantiles": MappingProxyType({}),
        "reference_shares": MappingProxyType({}),
    }
    return cutpoints.Cutpoints(**(plain | overrides))
