"""Need groups: what a customer wants most, by what was stated and by what was done.

Each of five needs has a score from 0 to 1. What somebody says counts for itself: a stated importance of 1 to
5 is (importance - 1)/4, and the one need put above all others, if it is called important at all, is 1. Up to
`stated_days` old it is the score; up to `blended_days` it is half of it, the other half being behaviour;
after that, and where nothing was said, behaviour is all of it: the mean of the mid-ranks of the evidence.

    price          discount sensitivity (DSI), share of orders in promotions,       from 3 orders
                   own items not bought again after their price rose
    function       share of feedback about functions, functions used,               from 2 items, or any use
                   comparisons
    service        service contacts, and installations or repairs, an order;        from 1 order
                   share of feedback about service
    quality_brand  share of premium lines, brand concentration, low DSI             from 3 orders
    experience     share of feedback about design and experience,                   from 2 items, or 3 lines
                   share of new products

A need is had when it is flagged: by a stated score of `flag_stated`, or by the behaviour's own limits below.
A fresh statement silences behaviour: who says that price does not matter is not price-sensitive for buying
in sales. The flagged need with the highest score is the customer's; two within `mixed_gap` of each other are
`mixed`, none is `unknown`: an answer, and never a default need. Source: definitions part 8, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from models import quantiles, reasons, units
from models.thresholds import check_kinds, check_within, exact, threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

NEEDS = ("price", "function", "service", "quality_brand", "experience")
GROUPS = (*NEEDS, "mixed", "unknown")
BASES = ("stated", "both", "behaviour")
EVIDENCE = {
    "price": ("dsi_value", "promotion_order_share", "unbought_after_rise_share"),
    "function": ("function_share_365d", "feature_breadth", "compares_90d"),
    "service": ("service_contacts_per_order", "service_share_365d", "installs_repairs_per_order"),
    "quality_brand": ("premium_line_share", "brand_hhi", "dsi_value"),
    "experience": ("experience_share_365d", "new_product_share_365d"),
}
"""The features whose mid-ranks make a need's behaviour score; of quality and brand a low DSI counts."""
RANKED = tuple(sorted({feature for features in EVIDENCE.values() for feature in features}))
FEATURES = (
    "customer_id",
    "orders_w",
    *(f"stated_{need}{suffix}" for need in NEEDS for suffix in ("", "_days")),
    *RANKED,
    "discount_count_share",
    "function_items_365d",
    "service_items_365d",
    "experience_items_365d",
    *(f"{need}_subtopic" for need in NEEDS),
)
COLUMNS = {
    **{f"{need}_score": "double" for need in NEEDS},
    **{f"has_{need}_need": "boolean" for need in NEEDS},
    "primary_need": "varchar",
    "secondary_need": "varchar",
    "need_lead": "double",
    "need_basis": "varchar",
    "need_stated_days": "integer",
    "sub_need": "varchar",
    "need_coverage": "double",
}

_SHARE_STEP = 0.0001  # shares and the DSI come in four decimals
_NEVER = 999_999.0  # a cut no share, count or index reaches


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the need groups. Raises ThresholdInvalid for a value that makes no sense."""

    stated_days: int = threshold(540, unit="days", reason="what was said holds for 18 months")
    blended_days: int = threshold(720, unit="days", reason="then half, for half a year more")
    top_from: int = threshold(
        4, unit="importance of 1 to 5", reason="put above all others, but called unimportant, is no need"
    )
    flag_stated: float = threshold(0.75, unit="stated score", reason="4 of 5: called important")
    mixed_gap: float = threshold(0.10, unit="score", reason="closer than that is no order")
    min_orders: int = threshold(3, unit="orders in the window", reason="two orders may both be chance")
    dsi_rank: float = threshold(0.80, unit="mid-rank", reason="the most discount-driven fifth")
    discount_share: float = threshold(0.5, unit="share of orders", reason="every other order at least")
    low_dsi_rank: float = threshold(0.40, unit="mid-rank", reason="who seldom waits for a discount")
    premium_share: float = threshold(0.5, unit="share of lines", reason="mostly from the best of the shelf")
    topic_share: float = threshold(0.4, unit="share of feedback", reason="what is mostly spoken of")
    topic_items: int = threshold(2, unit="items of feedback", reason="one remark may be about one bad day")
    breadth_rank: float = threshold(
        0.80, unit="mid-rank among users", reason="the fifth of the users with the most functions"
    )
    contacts_per_order: float = threshold(
        0.5, unit="contacts an order", reason="a call about every other order"
    )
    contacts_rank: float = threshold(0.80, unit="mid-rank", reason="and more than four fifths of the others")
    new_product_rank: float = threshold(0.80, unit="mid-rank", reason="the fifth keenest on new things")

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 36_500, "blended_days")
        check_within(self, 0, self.blended_days, "stated_days")
        check_within(self, 1, 5, "top_from")
        check_within(self, 0.01, 1, "flag_stated", "topic_share", "discount_share", "premium_share")
        check_within(self, 0, 1, "mixed_gap", "low_dsi_rank")
        check_within(self, 0.01, 1, "dsi_rank", "breadth_rank", "contacts_rank", "new_product_rank")
        check_within(self, 0.01, 1000, "contacts_per_order")
        check_within(self, 1, 10**6, "min_orders", "topic_items")

    @property
    def importance_from(self) -> int:
        """The importance, 1 to 5, from which a statement flags a need."""
        return ceil(4 * exact(self.flag_stated)) + 1


@dataclass(frozen=True)
class Cuts:
    """The limits of behaviour in the features' own units; _NEVER where there is nobody to rank with."""

    dsi: float
    low_dsi_below: float
    breadth: float
    contacts: float
    new_products: float


def cuts_in_force(cutpoints: Cutpoints, thresholds: Thresholds) -> Cuts:
    """The ranks of `thresholds` as values of the reference population."""

    def at(feature: str, share: float, step: float = _SHARE_STEP, nobody: float = _NEVER) -> float:
        found = quantiles.value_at(_reference(feature, cutpoints), share, step)
        return nobody if found is None else found

    # Mid-ranks are 2002nds: "above the rank" is reached half a step further on.
    return Cuts(
        dsi=at("dsi_value", thresholds.dsi_rank),
        low_dsi_below=at("dsi_value", thresholds.low_dsi_rank + 1e-6, nobody=-1.0),
        breadth=at("feature_breadth", thresholds.breadth_rank, step=1),
        contacts=max(
            thresholds.contacts_per_order, at("service_contacts_per_order", thresholds.contacts_rank)
        ),
        new_products=at("new_product_share_365d", thresholds.new_product_rank),
    )


def _reference(feature: str, cutpoints: Cutpoints) -> Sequence[float]:
    """The reference points a feature is ranked by; who uses no function is not among the users."""
    points = cutpoints.reference_quantiles.get(feature, ())
    return [point for point in points if point > 0] if feature == "feature_breadth" else points


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: scores, flags, needs, segment and reason.

    Scores have four decimals and are null where there is neither statement nor evidence. primary_need and
    secondary_need are the flagged needs with the highest scores (of equal ones the first of NEEDS), need_lead
    the distance between them (null with one); need_basis, need_stated_days and sub_need are those of the
    primary need; need_coverage is the share of the five scores that is known. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "need groups")
    number = {
        name: features[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in FEATURES
        if name != "customer_id" and not name.endswith("_subtopic")
    }
    n = len(features)
    cuts = cuts_in_force(cutpoints, thresholds)
    # one row per need: numbers of one need lie side by side, which is twice as fast
    stated = np.array([number[f"stated_{need}"] for need in NEEDS])
    ages = np.array([number[f"stated_{need}_days"] for need in NEEDS])
    said = _stated_scores(stated, ages, thresholds)
    fresh = ~np.isnan(said) & (ages <= thresholds.stated_days)
    shown = np.array([_behaviour(need, number, cutpoints, thresholds) for need in NEEDS])
    halves = np.where(np.isnan(shown), said, 0.5 * said + 0.5 * shown)
    scores = np.round(np.where(fresh, said, np.where(np.isnan(said), shown, halves)), 4)
    known = ~np.isnan(scores)

    signs = _signs(number, cuts, thresholds)
    acts = np.array([np.any(signs[need], axis=0) for need in NEEDS]) & ~fresh
    tells = (stated >= thresholds.importance_from) & ~np.isnan(said)
    flagged = tells | acts

    ranked = np.where(flagged, np.where(known, scores, 0.0), -1.0)
    every = np.arange(n)
    first = ranked.argmax(axis=0)
    best = ranked[first, every]
    ranked[first, every] = -2.0
    second = ranked.argmax(axis=0)
    runner_up = ranked[second, every]
    has, several = best >= 0, runner_up >= 0
    lead = np.where(several, np.round(best - runner_up, 4), np.nan)
    mixed = several & (lead < thresholds.mixed_gap)

    # The reason: what flagged the primary need, its statement before its signs, these in their order.
    how = np.zeros(n, dtype=np.int64)
    for place, need in enumerate(NEEDS):
        found = np.select([tells[place], *signs[need]], range(1 + len(signs[need])), 0)
        how = np.where(first == place, _STARTS[place] + found, how)
    positions = np.select([~has & ~known.any(axis=0), ~has, mixed], [0, 1, 2], how)
    columns = reasons.reason_columns(positions, _reasons(cuts, thresholds))

    told = ~np.isnan(said[first, every])
    basis = np.select(
        [~has, fresh[first, every], told & ~np.isnan(shown[first, every]), told], [-1, 0, 1, 0], 2
    )
    days = np.where(has & told, ages[first, every], np.nan)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            **{f"{need}_score": scores[place] for place, need in enumerate(NEEDS)},
            **{f"has_{need}_need": flagged[place] for place, need in enumerate(NEEDS)},
            "primary_need": reasons.labels(np.where(has, first, -1), NEEDS),
            "secondary_need": reasons.labels(np.where(several, second, -1), NEEDS),
            "need_lead": lead,
            "need_basis": reasons.labels(basis, BASES),
            "need_stated_days": pd.arrays.IntegerArray(np.nan_to_num(days).astype(np.int32), np.isnan(days)),
            "sub_need": _sub_need(features, np.where(has & ~mixed, first, -1)),
            "need_coverage": np.round(known.sum(axis=0) / len(NEEDS), 4),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _stated_scores(stated: np.ndarray, ages: np.ndarray, thresholds: Thresholds) -> np.ndarray:
    """Scores of what was said, a row per need; nan for what was not said, or too long ago."""
    import numpy as np

    known = ~np.isnan(stated) & (ages <= thresholds.blended_days)
    importance = np.where(known, stated, 0.0)
    highest = importance.max(axis=0)
    is_highest = importance == highest
    is_top = is_highest & (is_highest.sum(axis=0) == 1) & (highest >= thresholds.top_from)
    return np.where(known, np.where(is_top, 1.0, (importance - 1) / 4), np.nan)


def _behaviour(
    need: str, number: dict[str, np.ndarray], cutpoints: Cutpoints, thresholds: Thresholds
) -> np.ndarray:
    """The mean of the mid-ranks of a need's evidence; nan below its minimum of data."""
    import numpy as np

    has_orders = number["orders_w"] >= (1 if need == "service" else thresholds.min_orders)
    enough = {
        "price": has_orders,
        "quality_brand": has_orders,
        "service": has_orders,
        "function": ~np.isnan(number["function_share_365d"]) | (number["feature_breadth"] > 0),
    }.get(need, True)  # features of experience are null below their own minimum
    total, count = np.zeros(len(number["orders_w"])), np.zeros(len(number["orders_w"]), dtype=np.int64)
    for feature in EVIDENCE[need]:
        values = number[feature]
        if feature == "feature_breadth":
            values = np.where(values > 0, values, np.nan)
        rank = quantiles.mid_rank(values, _reference(feature, cutpoints))
        if need == "quality_brand" and feature == "dsi_value":
            rank = 1 - rank
        known = ~np.isnan(rank) & enough
        total += np.where(known, rank, 0.0)
        count += known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _signs(
    number: dict[str, np.ndarray], cuts: Cuts, thresholds: Thresholds
) -> dict[str, Sequence[np.ndarray]]:
    """Need → the signs that flag it, in the order of its reasons. Unknown is never a sign."""
    enough = number["orders_w"] >= thresholds.min_orders

    def spoken(topic: str) -> np.ndarray:
        return (number[f"{topic}_share_365d"] >= thresholds.topic_share) & (
            number[f"{topic}_items_365d"] >= thresholds.topic_items
        )

    return {
        "price": (
            enough
            & (number["dsi_value"] >= cuts.dsi)
            & (number["discount_count_share"] >= thresholds.discount_share),
        ),
        "function": (spoken("function"), number["feature_breadth"] >= cuts.breadth),
        "service": (
            (number["orders_w"] >= 1) & (number["service_contacts_per_order"] >= cuts.contacts),
            spoken("service"),
        ),
        "quality_brand": (
            enough
            & (number["premium_line_share"] >= thresholds.premium_share)
            & (number["dsi_value"] < cuts.low_dsi_below),
        ),
        "experience": (spoken("experience"), number["new_product_share_365d"] >= cuts.new_products),
    }


def _sub_need(features: pd.DataFrame, primary: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """What within the primary need is spoken of most: its subtopic; null where nothing is known."""
    import numpy as np
    import pandas as pd

    found = np.full(len(features), None, dtype=object)
    for place, need in enumerate(NEEDS):
        these = primary == place
        found[these] = features[f"{need}_subtopic"].to_numpy(dtype=object, na_value=None)[these]
    return pd.array(found, dtype="str")


_SIGNS = {
    "price": ("DISCOUNTS",),
    "function": ("TOPIC", "USE"),
    "service": ("CONTACTS", "TOPIC"),
    "quality_brand": ("PREMIUM",),
    "experience": ("TOPIC", "NEW"),
}
_STARTS = tuple(3 + sum(1 + len(_SIGNS[earlier]) for earlier in NEEDS[:place]) for place in range(len(NEEDS)))
"""Where each need's reasons start: after the two of `unknown` and that of `mixed`."""


def _reasons(cuts: Cuts, thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    gap = {"mixed_gap": thresholds.mixed_gap}
    said = gap | {"importance_from": thresholds.importance_from, "blended_days": thresholds.blended_days}
    topic = {"topic_share": thresholds.topic_share, "topic_items": thresholds.topic_items}
    enough = {"min_orders": thresholds.min_orders}
    params = {
        "DISCOUNTS": enough | {"dsi_from": cuts.dsi, "discount_share": thresholds.discount_share},
        "PREMIUM": enough | {"premium_share": thresholds.premium_share, "dsi_below": cuts.low_dsi_below},
        "CONTACTS": {"contacts_from": cuts.contacts},
        "TOPIC": topic,
        "USE": topic | {"breadth_from": cuts.breadth},
        "NEW": topic | {"new_share_from": cuts.new_products},
    }
    found = [
        reasons.reason("unknown", "NEED_NOT_KNOWN"),
        reasons.reason("unknown", "NEED_NONE_SHOWN"),
        reasons.reason("mixed", "NEED_MIXED", **gap),
    ]
    for need in NEEDS:
        found.append(reasons.reason(need, f"NEED_{need.upper()}_STATED", **said))
        for place, sign in enumerate(_SIGNS[need]):
            # a later sign is the reason where the earlier ones are not there
            earlier = {key: value for before in _SIGNS[need][:place] for key, value in params[before].items()}
            found.append(
                reasons.reason(need, f"NEED_{need.upper()}_{sign}", **(said | earlier | params[sign]))
            )
    return tuple(found)
