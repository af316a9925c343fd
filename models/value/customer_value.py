"""What each customer is worth from here on, read off three laws that were fitted once and frozen.

A purchase is a day with valid orders, money is net of returns. Bought on several days: BG/NBD says who is
still alive and how often they will buy (`bg_nbd`). Bought on one day only: the time to the second order says
who comes back and when, and BG/NBD what follows then (`second_order`). How much each time: Gamma-Gamma
(`gamma_gamma`), over all customers alike. So

    expected revenue in h days = purchases expected in h days * expected amount of one
    CLV                        = sum of the purchases expected within the horizon, each discounted to today
                                 by (1 + discount_rate)^(-days / 365), * expected amount of one

Revenue, not profit; the customer's own, so what they refer others to buy is never in it. Where a law could
not be fitted, the numbers that need it are null and the reason says why: nothing is guessed in its place.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING

from models import reasons, units
from models.thresholds import check_above, check_kinds, check_within, threshold
from models.value import card
from models.value.bg_nbd import BgNbd, discounted, fit_bg_nbd
from models.value.gamma_gamma import GammaGamma, dependence, fit_gamma_gamma
from models.value.histories import distinct
from models.value.likelihood import FitFailed
from models.value.second_order import SecondOrder, fit_second_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    import pandas as pd

HORIZONS = (30, 90, 365)
STATUSES = ("ok", "no_dropout", "share_unknown", "insufficient", "not_fitted")
"""Of a law; with no_dropout and share_unknown orders are told, and P(alive) is not."""
BASES = ("no_order", "repeat", "second_order", "insufficient", "not_fitted")
AMOUNT_BASES = ("no_order", "gamma_gamma", "insufficient", "not_fitted")

FEATURES = (
    "customer_id",
    "as_of",
    "orders_life",
    "gaps",
    "recency_days",
    "tenure_days",
    "net_life",
)
FIT_FEATURES = (*FEATURES, "known_on", "second_order_days")

COLUMNS = {
    "value_basis": "varchar",
    "p_alive": "double",
    **{f"expected_orders_{days}d": "double" for days in HORIZONS},
    "amount_basis": "varchar",
    "expected_amount": "decimal(18,2)",
    **{f"expected_revenue_{days}d": "decimal(18,2)" for days in HORIZONS},
    "clv": "decimal(18,2)",
    "clv_horizon_days": "integer",
    "discount_rate": "double",
    "next_order_on": "date",
    "reason_code": "varchar",
    "reason_params": "varchar",
}


class ValueUnreadable(ValueError):
    """A stored artifact is not one that this code wrote."""


@dataclass(frozen=True)
class Thresholds:
    """The numbers of customer value. Raises ThresholdInvalid for a value that makes no sense."""

    min_repeat_buyers: int = threshold(
        100, unit="customers", reason="fewer do not make a law, as with the dormancy levels"
    )
    min_history_days: int = threshold(
        180, unit="days", reason="half a year shows who stopped and who only pauses"
    )
    max_quiet_days: int = threshold(
        30, unit="days", reason="where orders stopped arriving everybody would seem to be lost"
    )
    max_share_error: float = threshold(
        0.05,
        unit="standard error of the share who come back",
        reason="known no better, the share is a guess",
    )
    min_follow_up: float = threshold(
        0.5,
        unit="share of those who come back",
        reason="the tenth of the customers watched longest must have had the time most take",
    )
    min_follow_up_if_all: float = threshold(
        0.9,
        unit="share of those who come back",
        reason="that everybody comes back at last is believed of a shop that saw nearly all of it",
    )
    min_amount_ratio: float = threshold(
        0.01,
        unit="times the median amount",
        reason="what is left of an order sent back in full but for cents is no amount to fit on",
    )
    discount_rate: float = threshold(
        0.10, unit="per year", reason="a usual cost of capital; CLV says what it was counted with"
    )
    clv_horizon_days: int = threshold(
        365, unit="days", reason="twelve months, which a year or two of history can speak for"
    )
    next_order_within_days: int = threshold(
        1095, unit="days", reason="a date three years ahead is no plan for anybody"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_above(self, 0, "min_repeat_buyers", "min_history_days", "max_quiet_days")
        check_within(self, 0, 1, "max_share_error", "min_amount_ratio")
        check_within(self, 0, 1, "min_follow_up", "min_follow_up_if_all")
        check_within(self, 0, 10, "discount_rate")
        check_within(self, 1, 3_650, "clv_horizon_days", "next_order_within_days")


@dataclass(frozen=True)
class Value:
    """The frozen laws of one day, and what they are counted with.

    A law is None where its status is insufficient or not_fitted. `follow_up` is the share of those who come
    back who have done so after as many days as the tenth watched longest were watched at least. `dependence`
    is the correlation of how often with how much over repeat buyers, of the numbers and of their logarithms:
    Gamma-Gamma takes it for 0.
    """

    as_of: str | None
    known_on: str | None
    repeat_status: str
    second_order_status: str
    amount_status: str
    said: tuple[str, ...]
    counts: Mapping[str, int]
    wanted: Mapping[str, float]
    repeat: BgNbd | None
    second_order: SecondOrder | None
    follow_up: float | None
    amounts: GammaGamma | None
    dependence: tuple[float | None, float | None]
    discount_rate: float
    clv_horizon_days: int
    next_order_within_days: int

    @property
    def status(self) -> str:
        """ok, or the first of the three that is not."""
        three = (self.repeat_status, self.second_order_status, self.amount_status)
        return next((each for each in three if each != "ok"), "ok")

    @property
    def rate(self) -> float:
        """What a day costs, as a rate of discount that compounds at every moment."""
        import math

        return math.log1p(self.discount_rate) / 365

    def to_json(self) -> str:
        """The artifact as JSON: equal laws are equal text."""
        plain = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Value:
        """The artifact `to_json` wrote. Raises ValueUnreadable for anything else."""
        try:
            told = json.loads(text)
            laws = {"repeat": BgNbd, "second_order": SecondOrder, "amounts": GammaGamma}
            for name, law in laws.items():
                told[name] = None if told[name] is None else law(**told[name])
            for name in ("counts", "wanted"):
                told[name] = MappingProxyType(told[name])
            for name in ("said", "dependence"):
                told[name] = tuple(told[name])
            return cls(**told)
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            msg = f"no artifact of customer value: {fault!r}"
            raise ValueUnreadable(msg) from fault

    def card(self) -> str:
        """What these laws are, in Markdown, for a person to read."""
        return card.card(self)

    def score(self, features: pd.DataFrame) -> pd.DataFrame:
        """One row per customer of `features`, in the same order: customer_id and COLUMNS.

        Raises FeatureMissing, and HistoryInvalid for days that cannot be.
        """
        import numpy as np
        import pandas as pd

        units.require(features, FEATURES, "customer value")
        orders = units.whole(features, "orders_life")
        x = units.whole(features, "gaps", missing=0).astype(np.float64)
        t = units.days_where(features, "tenure_days", orders >= 1).astype(np.float64)
        t_x = np.where(x > 0, t - units.days_where(features, "recency_days", orders >= 1), 0.0)
        several, once = x >= 1, (orders >= 1) & (x < 1)

        numbers = _Numbers(len(orders), [*HORIZONS, "clv", "p_alive", "next"])
        self._score_repeat(numbers, several, x, t_x, t)
        self._score_once(numbers, once, t)
        amount = self._amount(orders, x, units.cents(features, "net_life", missing=0))

        positions = np.select([several, once], [1, 2], 0)
        all_reasons = self._reasons()
        said = reasons.reason_columns(positions, all_reasons)
        days = np.floor(numbers["next"])
        days[~(days <= self.next_order_within_days)] = np.nan
        as_of = features["as_of"].to_numpy().astype("datetime64[D]")
        ahead = np.where(np.isnan(days), np.datetime64("NaT"), as_of + np.nan_to_num(days).astype("m8[D]"))
        amount_basis = "gamma_gamma" if self.amount_status == "ok" else self.amount_status
        has_amount = np.where(orders >= 1, AMOUNT_BASES.index(amount_basis), 0)
        return pd.DataFrame(
            {
                "customer_id": features["customer_id"].array,
                "value_basis": said["segment"],
                "p_alive": np.round(numbers["p_alive"], 6),
                **{f"expected_orders_{days}d": np.round(numbers[days], 6) for days in HORIZONS},
                "amount_basis": reasons.labels(has_amount, AMOUNT_BASES),
                "expected_amount": np.round(amount, 2),
                **{f"expected_revenue_{days}d": np.round(numbers[days] * amount, 2) for days in HORIZONS},
                "clv": np.round(numbers["clv"] * amount, 2),
                "clv_horizon_days": self.clv_horizon_days,
                "discount_rate": float(self.discount_rate),
                "next_order_on": ahead.astype("datetime64[us]"),
                "reason_code": said["reason_code"],
                "reason_params": said["reason_params"],
            },
            index=features.index,
            copy=False,
        )

    def _score_repeat(
        self, numbers: _Numbers, who: np.ndarray, x: np.ndarray, t_x: np.ndarray, t: np.ndarray
    ) -> None:
        law = self.repeat
        if law is None or not who.any():
            return
        x, t_x, t = x[who], t_x[who], t[who]
        alive = law.p_alive(x, t_x, t)
        (of_x, of_t), which = distinct(x, t)
        for days in HORIZONS:
            numbers[days][who] = law.expected_if_alive(days, of_x, of_t)[which] * alive
        worth = law.discounted_if_alive(self.clv_horizon_days, self.rate, of_x, of_t)
        numbers["clv"][who] = worth[which] * alive
        numbers["next"][who] = law.time_to_next(x, t_x, t)
        if self.repeat_status == "ok":
            numbers["p_alive"][who] = alive

    def _score_once(self, numbers: _Numbers, who: np.ndarray, t: np.ndarray) -> None:
        if self.second_order is None or not who.any():
            return
        (of_t,), which = distinct(t[who])
        if self.second_order_status == "ok":
            numbers["p_alive"][who] = self.second_order.p_back(of_t)[which]
            numbers["next"][who] = self.second_order.time_to_next(of_t)[which]
        if self.repeat is None:
            return
        for days in HORIZONS:
            numbers[days][who] = self.expected_of_one_time(days, of_t)[which]
        worth = discounted(
            lambda ahead: self.expected_of_one_time(ahead, of_t), self.clv_horizon_days, self.rate
        )
        numbers["clv"][who] = worth[which]

    def expected_of_one_time(self, ahead: float, t: np.ndarray) -> np.ndarray:
        """Purchases expected in the `ahead` days after `t` of customers who bought on one day, t days before.

        Once back, at s, they are customers with x = 1, t_x = t = s to BG/NBD, as they will be scored then.
        """
        import numpy as np

        law = self.repeat

        def further(s: np.ndarray, left: np.ndarray) -> np.ndarray:
            one = np.ones(len(s))
            return law.p_alive(one, s, s) * law.expected_if_alive(left, one, s)

        return self.second_order.expected_purchases(ahead, t, further)

    def _amount(self, orders: np.ndarray, x: np.ndarray, net_cents: np.ndarray) -> np.ndarray:
        """The amount expected of one purchase; who sent back all they bought counts as having spent 0."""
        import numpy as np

        if self.amount_status != "ok":
            return np.full(len(orders), np.nan)
        n = np.where(orders >= 1, x + 1, np.nan)
        return np.where(
            orders >= 1, self.amounts.expected_amount(n, np.maximum(net_cents, 0) / 100 / n), np.nan
        )

    def _reasons(self) -> tuple[reasons.Reason, ...]:
        """Of who never bought, of who bought on several days, and of who bought on one."""
        lacking = {name: self.counts[name] for name in ("repeat_buyers", "history_days", "quiet_days")}
        lacking |= {f"{name}_wanted": self.wanted[name] for name in lacking}
        if self.repeat is not None:
            law = self.repeat
            told = {"r": law.r, "alpha_days": law.alpha, "a": law.a, "b": law.b}
            shown = {name: float(f"{number:.4g}") for name, number in told.items()}
            code = "VALUE_REPEAT" if self.repeat_status == "ok" else "VALUE_REPEAT_NO_DROPOUT"
            several = reasons.reason("repeat", code, customers=law.customers, **shown)
        elif self.repeat_status == "insufficient":
            several = reasons.reason("insufficient", "VALUE_REPEAT_INSUFFICIENT", **lacking)
        else:
            several = reasons.reason("not_fitted", "VALUE_REPEAT_NOT_FITTED")
        law = self.second_order
        if law is not None:
            told = {"came_back": law.came_back, "customers": law.customers}
            if self.second_order_status == "ok":
                told["share_percent"] = round(100 * law.share, 2)
                told["median_days"] = round(law.median_days, 1)
                code = "VALUE_SECOND_ORDER" if self.repeat is not None else "VALUE_SECOND_ORDER_ALONE"
            else:
                code = "VALUE_SECOND_ORDER_SHARE_UNKNOWN"
            once = reasons.reason("second_order", code, **told)
        elif self.second_order_status == "insufficient":
            once = reasons.reason("insufficient", "VALUE_SECOND_ORDER_INSUFFICIENT", **lacking)
        else:
            once = reasons.reason("not_fitted", "VALUE_SECOND_ORDER_NOT_FITTED")
        return (reasons.reason("no_order", "VALUE_NO_ORDER"), several, once)


class _Numbers(dict):
    """Name → one number per customer, nan until somebody knows better."""

    def __init__(self, rows: int, names: list) -> None:
        import numpy as np

        super().__init__((name, np.full(rows, np.nan)) for name in names)


def fit(features: pd.DataFrame, thresholds: Thresholds) -> Value:
    """The laws of the population in `features`, one row per customer of one day, in any order.

    Too little data, or a likelihood without a maximum, is a status and never an error: a night goes on
    without the numbers it could not learn. Raises FeatureMissing for a missing column, HistoryInvalid for
    days that cannot be, ValueError when the rows are of more than one day.
    """
    import numpy as np

    units.require(features, FIT_FEATURES, "customer value")
    bought = units.whole(features, "orders_life") >= 1
    x = units.whole(features, "gaps", missing=0)[bought].astype(np.float64)
    t = units.days_where(features, "tenure_days", bought)[bought].astype(np.float64)
    recency = units.days_where(features, "recency_days", bought)[bought].astype(np.float64)
    t_x = np.where(x > 0, t - recency, 0.0)
    mean_cents = units.cents(features, "net_life", missing=0)[bought] / (x + 1)
    usable = mean_cents > 0
    if usable.any():
        usable &= mean_cents >= thresholds.min_amount_ratio * np.median(mean_cents[usable])
    counts = {
        "buyers": len(x),
        "repeat_buyers": int((x > 0).sum()),
        "amounts": int(usable.sum()),
        "amounts_left_out": int((~usable).sum()),
        "repeat_amounts": int((usable & (x > 0)).sum()),
        "history_days": int(t.max(initial=0)),
        "quiet_days": int(recency.min(initial=reasons.NEVER_DAYS)),
    }
    enough = (
        counts["repeat_buyers"] >= thresholds.min_repeat_buyers
        and counts["history_days"] >= thresholds.min_history_days
        and counts["quiet_days"] <= thresholds.max_quiet_days
    )
    said: list[str] = []
    repeat = _fitted(enough, said, fit_bg_nbd, x, t_x, t)
    second_order_days = units.whole(features, "second_order_days", missing=0)[bought].astype(np.float64)
    # a second order on the first one's day hides on which day the next was, unless the next was the last
    known = (second_order_days > 0) | (x == 1)
    days = np.where(second_order_days > 0, second_order_days, t_x)
    second_order = _fitted(enough, said, fit_second_order, days, t, x > 0, known)
    missing = "not_fitted" if enough else "insufficient"
    follow_up, repeat_status, second_order_status = None, missing, missing
    if repeat is not None:
        repeat_status = "ok" if repeat.has_dropout else "no_dropout"
    if second_order is not None:
        follow_up = round(1 - float(second_order.later_than(np.quantile(t, 0.9))), 6)
        bounded, error = second_order.is_bounded, second_order.share_error
        long = follow_up >= (thresholds.min_follow_up_if_all if bounded else thresholds.min_follow_up)
        sharp = bounded or (error is not None and error <= thresholds.max_share_error)
        second_order_status = "ok" if long and sharp else "share_unknown"
    enough_amounts = enough and counts["repeat_amounts"] >= thresholds.min_repeat_buyers
    mean, n = mean_cents[usable] / 100, x[usable] + 1
    amounts = _fitted(enough_amounts, said, fit_gamma_gamma, n, mean)
    if amounts is not None and amounts.p + amounts.q <= 1:
        said.append(f"Gamma-Gamma: p {amounts.p:g} and q {amounts.q:g} have no mean amount")
        amounts = None
    several = n > 1
    related = (
        dependence(n[several] - 1, mean[several]),
        dependence(np.log(n[several]), np.log(mean[several])),
    )
    return Value(
        as_of=_one_day(features, "as_of"),
        known_on=_one_day(features, "known_on"),
        repeat_status=repeat_status,
        second_order_status=second_order_status,
        amount_status="ok" if amounts is not None else "not_fitted" if enough_amounts else "insufficient",
        said=tuple(said),
        counts=MappingProxyType(dict(sorted(counts.items()))),
        wanted=MappingProxyType(
            {
                "repeat_buyers": thresholds.min_repeat_buyers,
                "history_days": thresholds.min_history_days,
                "quiet_days": thresholds.max_quiet_days,
                "follow_up": thresholds.min_follow_up,
                "follow_up_if_all": thresholds.min_follow_up_if_all,
                "share_error": thresholds.max_share_error,
            }
        ),
        repeat=repeat,
        second_order=second_order,
        follow_up=follow_up,
        amounts=amounts,
        dependence=related,
        discount_rate=thresholds.discount_rate,
        clv_horizon_days=thresholds.clv_horizon_days,
        next_order_within_days=thresholds.next_order_within_days,
    )


def _fitted(enough: bool, said: list[str], law: Any, *rows: np.ndarray) -> Any:
    """The law of the rows; None without enough of them, or where there is none, which is `said`."""
    if not enough:
        return None
    try:
        return law(*rows)
    except FitFailed as fault:
        said.append(str(fault))
        return None


def _one_day(features: pd.DataFrame, column: str) -> str | None:
    days = sorted({str(day)[:10] for day in features[column].unique()})
    if len(days) > 1:
        msg = f"{column} holds {len(days)} days from {days[0]} to {days[-1]}; customer value is fitted on one"
        raise ValueError(msg)
    return days[0] if days else None


def _plain(value: Any) -> Any:
    if isinstance(value, BgNbd | SecondOrder | GammaGamma):
        return asdict(value)
    if isinstance(value, MappingProxyType):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
