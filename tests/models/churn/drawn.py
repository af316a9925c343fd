"""Customers of past days, drawn with a churn that follows planted effects."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from models.churn import inputs

AS_OF = date(2020, 1, 1)
FIRST = date(2017, 1, 1)
SHOWN = {"recency": 1.2, "price": 10.0, "complaints": 1.0}


def draw(
    rows: int, seed: int, *, base: float = -0.6, effects: dict[str, float] | None = None
) -> pd.DataFrame:
    """One past day: `inputs.FEATURES` and is_churned; log odds are base + the effects.

    recency: per unit of ln(recency / own typical gap); price: per unit of basket_price_change; complaints:
    each of 180 days.
    """
    effects = SHOWN if effects is None else effects
    rng = np.random.default_rng(seed)
    tenure = rng.integers(40, 700, rows)
    gaps = rng.poisson(tenure / 50)
    typical = np.maximum(tenure / (gaps + 1), 3.0)
    recency = np.clip(np.rint(typical * np.exp(rng.normal(-0.4, 0.8, rows))), 1, tenure - gaps.clip(0, 30))
    recency = np.where(gaps == 0, tenure, np.maximum(recency, 1)).astype(np.int64)
    ln = np.log(typical)
    frame = pd.DataFrame({name: pd.Series([None] * rows, dtype="Float64") for name in inputs.FEATURES})
    in_window = np.where(recency <= 365, 1 + np.rint(gaps * np.minimum(1, 365 / tenure)), 0).astype(np.int64)
    in_90d = np.where(recency <= 90, np.maximum(1, np.rint(90 / typical)), 0).astype(np.int64)
    in_30d = np.where(recency <= 30, np.maximum(1, np.rint(in_90d / 3)), 0).astype(np.int64)
    price = np.round(rng.normal(0, 0.1, rows), 4)
    complaints = rng.poisson(0.2, rows)
    log_odds = base + effects.get("recency", 0) * np.log(recency / typical)
    log_odds += effects.get("price", 0) * price + effects.get("complaints", 0) * complaints
    columns = {
        "customer_id": pd.Series([f"c{at:06d}" for at in range(rows)], dtype="str"),
        "orders_life": gaps + 1,
        "gaps": gaps,
        "gap_ln_sum": np.rint(gaps * ln * 1e6).astype(np.int64),
        "gap_ln_sq_sum": np.rint(gaps * (ln**2 + 0.3) * 1e12).astype(np.int64),
        "tenure_days": tenure,
        "occasions_life": gaps + 1,
        "recency_days": recency,
        "second_order_days": pd.Series(np.where(gaps > 0, np.rint(typical), -1)).replace(-1, None),
        "orders_w": np.maximum(in_window, in_90d),
        "orders_30d": in_30d,
        "orders_90d": in_90d,
        "orders_previous_90d": np.rint(90 / typical).astype(np.int64),
        "net_w": np.maximum(in_window, in_90d) * 20.0,
        "net_30d": in_30d * 20.0,
        "net_90d": in_90d * 20.0,
        "aov_w": 20.0,
        "basket_price_change": price,
        "complaints_180d": complaints,
        "stop_reason_stated": pd.Series([None] * rows, dtype="object"),
        "is_churned": pd.array(rng.random(rows) < 1 / (1 + np.exp(-log_odds)), dtype="boolean"),
    }
    return frame.assign(**columns)


def past(days: tuple[date, ...], rows: int, *, bases: dict[date, float] | None = None, **how) -> dict:
    """Frames of past days and of AS_OF, whose label nobody knows."""
    found = {
        day: draw(rows, at, **how, **({"base": bases[day]} if bases else {})) for at, day in enumerate(days)
    }
    return found | {AS_OF: draw(rows, 99, **how).assign(is_churned=pd.array([None] * rows, dtype="boolean"))}


def days_ago(*ages: int) -> tuple[date, ...]:
    return tuple(AS_OF - timedelta(days=age) for age in ages)
