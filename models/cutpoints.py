"""Cut-points: everything the schemes compare a customer with, fitted once and frozen.

`fit` is a pure function of the reference population: the rows of customer_features of one day, in any order.
Each number is an order statistic, an integer sum or an exactly rounded sum (math.fsum), so equal rows give
equal bytes. Scoring reads the frozen value and never the other customers. Source: definitions part 8,
sections 0, 1, 2, 5, 6 and 7.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from models import quantiles, reasons, schemes, units
from models.churn import levels
from models.churn.levels import GapLaw
from models.segments import lifecycle, purchase_group, value_tier
from models.segments.value_tier import TierCuts
from models.thresholds import exact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    import pandas as pd

    from models.schemes import MinimumData, Thresholds

# Numeric features whose reference quantiles are kept: the distributions that later days are compared with.
MONEY = (
    "net_life",
    "net_w",
    "net_30d",
    "net_90d",
    "net_previous_90d",
    "net_previous_270d",
    "aov_w",
    "list_w",
    "discount_w",
    "margin_w",
    "return_amount_w",
    "return_amount_365d",
)
COUNTS = (
    "orders_life",
    "orders_w",
    "orders_30d",
    "orders_90d",
    "orders_previous_90d",
    "recency_days",
    "tenure_days",
    "occasions_life",
    "second_order_days",
    "gaps",
    "last_gap_days",
    "discount_orders_w",
    "categories_w",
    "usage_days_30d",
    "complaints_365d",
    "suggestions_365d",
    "reviews_365d",
    "enquiries_365d",
    "open_complaints",
    "returns_365d",
    "campaigns_365d",
    "coupons_redeemed_365d",
)
MEASURES = ("gap_median_days", "cost_coverage_w", "rating_mean_365d")

FEATURES = (
    "as_of",
    "known_on",
    *MONEY,
    *COUNTS,
    *MEASURES,
    "gap_ln_sum",
    "gap_ln_sq_sum",
    "top_category",
)


class CutpointsUnreadable(ValueError):
    """A stored artifact is not one that this code wrote."""


@dataclass(frozen=True)
class Cutpoints:
    """The frozen cut-points of one day.

    Cuts run from low to high; None is a cut that is never reached. r_cuts are cuts of -recency_days, m_cuts
    and m_life_cuts are in cents. Laws are None where the calendar is used. fitted holds, by scheme, the
    constants a scheme fitted for itself. reference_quantiles holds 1,001 order statistics per numeric feature
    over customers with an order (() where nothing is known) or, as `<scheme>.<name>`, over the narrower
    population a scheme ranks within, and
    reference_shares the share of each segment per scheme, which whoever scores the reference population puts
    in with `with_reference_shares`.
    """

    as_of: str | None
    known_on: str | None
    status: str
    shortfalls: tuple[str, ...]
    counts: Mapping[str, int]
    r_cuts: tuple[int | None, ...]
    f_cuts: tuple[int | None, ...]
    m_cuts: tuple[int | None, ...]
    f_life_cuts: tuple[int | None, ...]
    m_life_cuts: tuple[int | None, ...]
    t2_days: float
    tau_0_days: float
    tau_0_by_category: Mapping[str, float]
    gap_law: GapLaw | None
    second_order_law: GapLaw | None
    gap_limits_days: tuple[float, ...]
    second_order_limits_days: tuple[float, ...]
    value_basis: str
    cost_coverage: float
    net_tiers: TierCuts
    margin_tiers: TierCuts | None
    fitted: Mapping[str, Mapping[str, float | int | None]]
    reference_quantiles: Mapping[str, tuple[float, ...]]
    reference_shares: Mapping[str, Mapping[str, float]]

    @property
    def tiers(self) -> TierCuts:
        """The tier cuts of the basis in force, with the Gini coefficient and the top share to publish."""
        return self.margin_tiers if self.value_basis == "margin" and self.margin_tiers else self.net_tiers

    def with_reference_shares(self, shares: Mapping[str, Mapping[str, float]]) -> Cutpoints:
        """The same cut-points with the share of each segment per scheme put in."""
        frozen = {scheme: MappingProxyType(dict(parts)) for scheme, parts in shares.items()}
        return replace(self, reference_shares=MappingProxyType(frozen))

    def mid_rank(self, feature: str, values: np.ndarray) -> np.ndarray:
        """p(x) of each value of `feature`, read off the stored reference quantiles; nan where unknown."""
        return quantiles.mid_rank(values, self.reference_quantiles.get(feature, ()))

    def value_at(self, feature: str, share: float, step: float = 1) -> float | None:
        """The smallest value of `feature`, in steps, that ranks at `share` or above; None without any."""
        return quantiles.value_at(self.reference_quantiles.get(feature, ()), share, step)

    def to_json(self) -> str:
        """The value as JSON with sorted keys; equal cut-points give equal text."""
        return json.dumps(
            {part.name: _plain(getattr(self, part.name)) for part in fields(self)},
            sort_keys=True,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Cutpoints:
        """The value that `to_json` wrote. Raises CutpointsUnreadable when fields are missing or unknown."""
        found = json.loads(text)
        wanted = {part.name for part in fields(cls)}
        if set(found) != wanted:
            msg = (
                f"cut-points lack {sorted(wanted - set(found))} and have unknown "
                f"{sorted(set(found) - wanted)}; fit them again"
            )
            raise CutpointsUnreadable(msg)
        for name, value in found.items():
            found[name] = _frozen(value)
        for name, kind in (
            ("gap_law", GapLaw),
            ("second_order_law", GapLaw),
            ("net_tiers", TierCuts),
            ("margin_tiers", TierCuts),
        ):
            if found[name] is not None:
                found[name] = kind(**found[name])
        return cls(**found)

    def card(self) -> str:
        """What these cut-points are, in Markdown, for a person to read before promoting them."""
        lines = [
            f"# Cut-points fitted on {self.as_of or 'no day'}",
            "",
            f"Fitted on customer features as of {self.as_of}, as known on {self.known_on}.",
            f"Status: **{self.status}**" + (f" ({'; '.join(self.shortfalls)})." if self.shortfalls else "."),
            "",
            "| population | n |",
            "|---|---|",
            *(f"| {name.replace('_', ' ')} | {count:,} |" for name, count in self.counts.items()),
            "",
            "## Scores",
            "",
            "A value scores 1 + the number of cuts it reaches (F: 2 + that number). Source: definitions,",
            "part 8, sections 0 (mid-rank), 1 (RFM) and 2 (lifetime scores, T2).",
            "",
            "| score | cuts, from low to high |",
            "|---|---|",
            f"| R, at most so many days since the last order | {_shown(map(_negative, self.r_cuts))} |",
            f"| F, orders in the window | {_shown(self.f_cuts)} |",
            f"| M, net in the window | {_shown(self.m_cuts, 100)} |",
            f"| F, orders ever | {_shown(self.f_life_cuts)} |",
            f"| M, net ever | {_shown(self.m_life_cuts, 100)} |",
            "",
            f"T2, when a one-time buyer counts as matured: {self.t2_days:g} days.",
            "",
            "## Rhythm",
            "",
            "Lognormal laws of days; limits are q75, q90, q95 and the end of dormant. Source: definitions,",
            "part 8, section 7; the median gap tau_0 is section 6's.",
            "",
            "| law | mu | sigma | customers | limits in days |",
            "|---|---|---|---|---|",
            _law_row("days between purchase occasions", self.gap_law, self.gap_limits_days),
            _law_row("days from first to second order", self.second_order_law, self.second_order_limits_days),
            "",
            f"tau_0: {self.tau_0_days:g} days"
            + "".join(f"; {category}: {days:g}" for category, days in self.tau_0_by_category.items())
            + ".",
            "",
            "## Value tiers",
            "",
            f"Basis: {self.value_basis} (cost known for {self.cost_coverage:.1%} of the window's net).",
            "Source: definitions, part 8, section 5.",
            "",
            "| basis | smallest value of A | of B | customers | Gini | share of the top fifth |",
            "|---|---|---|---|---|---|",
            _tier_row("net", self.net_tiers),
        ]
        if self.margin_tiers is not None:
            lines.append(_tier_row("margin", self.margin_tiers))
        if self.reference_shares:
            lines += [
                "",
                "## Shares of the reference population",
                "",
                "| scheme | segment | share |",
                "|---|---|---|",
            ]
            lines += [
                f"| {scheme} | {segment} | {share:.2%} |"
                for scheme, parts in sorted(self.reference_shares.items())
                for segment, share in sorted(parts.items())
            ]
        if self.fitted:
            lines += ["", "## Constants of the schemes", "", "| scheme | constant | value |", "|---|---|---|"]
            lines += [
                f"| {scheme} | {name} | {'none' if value is None else f'{value:g}'} |"
                for scheme, constants in sorted(self.fitted.items())
                for name, value in sorted(constants.items())
            ]
        known = sum(1 for points in self.reference_quantiles.values() if points)
        lines += [
            "",
            f"Reference quantiles: {known} of {len(self.reference_quantiles)} features, 1,001 points each.",
        ]
        return "\n".join(lines) + "\n"


def fit(features: pd.DataFrame, thresholds: Thresholds) -> Cutpoints:
    """The cut-points of the population in `features`, one row per customer of one day, in any order.

    Raises FeatureMissing for a missing column and ValueError when the rows are of more than one day.
    """
    units.require(features, FEATURES, "cutpoints.fit")
    orders_life = units.whole(features, "orders_life")
    orders_w = units.whole(features, "orders_w")
    recency = units.whole(features, "recency_days", missing=-1)
    net_w, net_life = units.cents(features, "net_w"), units.cents(features, "net_life")
    bought, repeat = orders_life >= 1, orders_life >= 2

    gap_law = levels.fit_gap_law(features, thresholds.churn_level)
    second_order_law = levels.fit_second_order_law(features, thresholds.churn_level)
    if gap_law is None or second_order_law is None:
        gap_law = second_order_law = None  # one calendar for everybody, or levels could not be compared
    second_order_limits = levels.law_limits(second_order_law, thresholds.churn_level)
    t2_days, t2_customers = purchase_group.fit_t2(features, second_order_limits[2], thresholds.purchase_group)
    tau_0, tau_0_by_category = lifecycle.fit_tau(features, gap_law is not None, thresholds.lifecycle)
    basis, coverage = value_tier.fit_basis(features, thresholds.value_tier)
    margin_tiers = None
    if basis == "margin":
        margin = units.cents(features, "margin_w", missing=0)
        margin_tiers = value_tier.fit_tier_cuts(margin[orders_w > 0], thresholds.value_tier)

    counts = {
        "customers": len(features),
        "buyers": int(bought.sum()),
        "buyers_in_window": int((orders_w > 0).sum()),
        "repeat_buyers": int(repeat.sum()),
        "buyers_with_gap": int((units.whole(features, "gaps", missing=0) >= 1).sum()),
        "buyers_with_three_orders": int((orders_life >= 3).sum()),
        "t2_customers": t2_customers,
        "history_days": int(units.whole(features, "tenure_days", missing=0).max(initial=0)),
        "days_since_last_order": int(recency[bought].min(initial=reasons.NEVER_DAYS)),
    }
    shortfalls = _shortfalls(counts, thresholds.minimum_data)
    return Cutpoints(
        as_of=_one_day(features, "as_of"),
        known_on=_one_day(features, "known_on"),
        status="insufficient" if shortfalls else "ok",
        shortfalls=shortfalls,
        counts=MappingProxyType(dict(sorted(counts.items()))),
        r_cuts=quantiles.mid_rank_cuts(-recency[bought], 5),
        f_cuts=quantiles.mid_rank_cuts(orders_w[repeat & (orders_w > 0)], 4),
        m_cuts=quantiles.mid_rank_cuts(net_w[net_w > 0], 5),
        f_life_cuts=quantiles.mid_rank_cuts(orders_life[repeat], 4),
        m_life_cuts=quantiles.mid_rank_cuts(net_life[net_life > 0], 5),
        t2_days=t2_days,
        tau_0_days=tau_0,
        tau_0_by_category=MappingProxyType(tau_0_by_category),
        gap_law=gap_law,
        second_order_law=second_order_law,
        gap_limits_days=levels.law_limits(gap_law, thresholds.churn_level),
        second_order_limits_days=second_order_limits,
        value_basis=basis,
        cost_coverage=coverage,
        net_tiers=value_tier.fit_tier_cuts(net_w[orders_w > 0], thresholds.value_tier),
        margin_tiers=margin_tiers,
        fitted=MappingProxyType(_fitted(features, thresholds)),
        reference_quantiles=MappingProxyType(
            _reference_quantiles(features, bought) | _references(features, tau_0)
        ),
        reference_shares=MappingProxyType({}),
    )


def _fitted(features: pd.DataFrame, thresholds: Thresholds) -> dict[str, Mapping[str, float | int | None]]:
    """Scheme → what its own `fit` found, for the schemes that have one."""
    return {
        scheme: MappingProxyType(module.fit(features, getattr(thresholds, scheme)))
        for scheme, module in schemes.SCHEMES.items()
        if hasattr(module, "fit")
    }


def _reference_quantiles(features: pd.DataFrame, bought: np.ndarray) -> dict[str, tuple[float, ...]]:
    """1,001 order statistics of each numeric feature over customers with an order, keys sorted."""
    import numpy as np

    found = {}
    for name in sorted({*MONEY, *COUNTS, *MEASURES, *schemes.RANKED}):
        values = features[name].to_numpy(dtype=np.float64, na_value=np.nan)[bought]
        # + 0.0 turns -0.0, which sorts anywhere among zeros, into 0.0.
        points = quantiles.reference_points(values[~np.isnan(values)] + 0.0)
        found[name] = tuple(int(point) for point in points) if name in COUNTS else points
    return found


def _references(features: pd.DataFrame, tau_0_days: float) -> dict[str, tuple[float, ...]]:
    """1,001 order statistics of each narrower population a scheme ranks within, as `<scheme>.<name>`."""
    return {
        f"{scheme}.{name}": quantiles.reference_points(values)
        for scheme, module in schemes.SCHEMES.items()
        if hasattr(module, "references")
        for name, values in sorted(module.references(features, tau_0_days).items())
    }


def _one_day(features: pd.DataFrame, column: str) -> str | None:
    """The one date in `column` as YYYY-MM-DD; None for a frame without rows."""
    days = sorted({str(day)[:10] for day in features[column].unique()})
    if len(days) > 1:
        msg = f"{column} holds {len(days)} days from {days[0]} to {days[-1]}; cut-points are fitted on one"
        raise ValueError(msg)
    return days[0] if days else None


def _shortfalls(counts: Mapping[str, int], wanted: MinimumData) -> tuple[str, ...]:
    """What the population lacks, in words with both numbers; empty when it has enough."""
    buyers, three = counts["buyers"], counts["buyers_with_three_orders"]
    found = []
    if buyers < wanted.buyers:
        found.append(f"{buyers} buyers of {wanted.buyers} wanted")
    if counts["history_days"] < wanted.history_days:
        found.append(f"{counts['history_days']} days of history of {wanted.history_days} wanted")
    if counts["days_since_last_order"] > wanted.last_order_days:
        found.append(
            f"last order {counts['days_since_last_order']} days ago, at most {wanted.last_order_days} wanted"
        )
    if three < exact(wanted.three_order_share) * buyers:
        found.append(f"{three} of {buyers} buyers with three orders, {wanted.three_order_share:.0%} wanted")
    return tuple(found)


def _plain(value: Any) -> Any:
    """A field as JSON knows it."""
    if isinstance(value, GapLaw | TierCuts):
        return asdict(value)
    if isinstance(value, MappingProxyType):
        return {key: _plain(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    """A field as `Cutpoints` holds it."""
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(each) for key, each in value.items()})
    return tuple(value) if isinstance(value, list) else value


def _negative(cut: int | None) -> int | None:
    return None if cut is None else -cut


def _shown(cuts: Any, divisor: int = 1) -> str:
    """Cuts for the card; a cut that is never reached is shown as such."""
    parts = (
        "never" if cut is None else f"{cut / divisor:,.2f}" if divisor > 1 else f"{cut:,}" for cut in cuts
    )
    return " · ".join(parts)


def _law_row(name: str, law: GapLaw | None, limits_days: tuple[float, ...]) -> str:
    shown = " · ".join(f"{days:g}" for days in limits_days)
    if law is None:
        return f"| {name}: the calendar | | | | {shown} |"
    return f"| {name} | {law.mu:.6f} | {law.sigma:.6f} | {law.customers:,} | {shown} |"


def _tier_row(basis: str, cuts: TierCuts) -> str:
    if cuts.v_a is None:
        return f"| {basis} | never | never | 0 | | |"
    return (
        f"| {basis} | {cuts.v_a / 100:,.2f} | {cuts.v_b / 100:,.2f} | {cuts.customers:,} "
        f"| {cuts.gini:.4f} | {cuts.top_share:.1%} |"
    )
