"""What the churn model is told of a customer: numbers of one row of the features, each with its reason.

Every input is row-local: a function of the customer's own features, of the laws of the days between orders
that are in force (`levels`), and of a BG/NBD fitted before. It is nan where it is unknown, which the model
takes as a value of its own: an extract that is absent changes nothing between customers.

A reason group says what a customer is told to be at risk for when the inputs of the group raise the score.
Inputs without a group describe the customer (how much, how often, since when) and are nobody's fault.
Source: definitions part 8, section 7, reason codes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from models import units
from models.churn import levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from models.churn.levels import GapLaw
    from models.cutpoints import Cutpoints
    from models.value import BgNbd

GROUPS = (
    "price",
    "quality",
    "service",
    "frequency_drop",
    "value_drop",
    "category_exit",
    "no_interaction",
    "season",
)


class Input(NamedTuple):
    """The reason group an input belongs to (None: it describes, and accuses nobody) and its extract."""

    group: str | None
    extract: str


class Laws(NamedTuple):
    """The laws of the days between orders in force; both None on the calendar. Cut-points have them too."""

    gap_law: GapLaw | None
    second_order_law: GapLaw | None


def _inputs(extract: str, **groups: str) -> dict[str, Input]:
    """The inputs of an extract, listed in a text per group; `describes` is no group."""
    return {
        name: Input(None if group == "describes" else group, extract)
        for group, names in groups.items()
        for name in names.split()
    }


INPUTS: Mapping[str, Input] = MappingProxyType(
    {
        **_inputs(
            "order_lines",
            describes="""tenure_days occasions_life orders_w orders_per_30d gap_typical_days gap_cv
                orders_expected aov_w net_w second_order_days""",
            frequency_drop="""recency_days recency_of_typical recency_surprise p_alive orders_30d orders_90d
                orders_90d_of_usual orders_90d_of_previous orders_w_of_180d_ago last_gap_of_typical""",
            value_drop="net_30d net_90d net_90d_of_usual net_90d_of_previous",
            price="discount_share_w discount_order_share_w discount_share_change basket_price_change",
            season="orders_coming_of_year",
        ),
        **_inputs("products", describes="categories_w", category_exit="category_left_share"),
        **_inputs("campaign_touches", describes="campaigns_365d", price="coupons_redeemed_365d"),
        **_inputs("returns", quality="returns_365d return_rate_180d last_return_days"),
        **_inputs(
            "feedback",
            quality="rating_mean_365d review_score",
            service="complaints_180d unresolved_complaints_365d open_complaints last_complaint_days",
        ),
        **_inputs("survey_responses", service="csat_score nps_score"),
        **_inputs("web_events", no_interaction="visits_90d views_30d decision_steps_30d"),
        **_inputs(
            "interactions",
            no_interaction="opens_90d clicks_90d replies_90d response_share_365d",
            describes="contacts_365d",
        ),
        **_inputs("usage_events", no_interaction="usage_days_30d feature_breadth"),
    }
)
"""Name of an input → its reason group and the extract it rests on, in the order they are shown in."""

_MADE_HERE = {
    "orders_per_30d",
    "gap_typical_days",
    "orders_expected",
    "recency_of_typical",
    "recency_surprise",
    "p_alive",
    "orders_90d_of_usual",
    "orders_90d_of_previous",
    "orders_w_of_180d_ago",
    "last_gap_of_typical",
    "net_90d_of_usual",
    "net_90d_of_previous",
    "discount_share_w",
    "discount_order_share_w",
    "discount_share_change",
    "orders_coming_of_year",
    "response_share_365d",
}
_AS_THEY_ARE = tuple(name for name in INPUTS if name not in _MADE_HERE)
TRAINING: tuple[str, ...] = (
    "customer_id",
    "orders_life",
    "gaps",
    "gap_ln_sum",
    "gap_ln_sq_sum",
    "last_gap_days",
    "orders_previous_90d",
    "orders_w_180d_ago",
    "net_previous_90d",
    "list_w",
    "discount_w",
    "discount_orders_w",
    "responses_365d",
    "discount_share_90d",
    "discount_share_before_90d",
    "orders_coming_90d_year_ago",
    *_AS_THEY_ARE,
)
"""The columns of a past day that the model learns from, those for the levels included."""

FEATURES: tuple[str, ...] = (*TRAINING, "stop_reason_stated", "stop_reason_stated_days")
"""The columns of customer_features that are read to score a day: reasons somebody stated are no inputs."""

_QUARTER = 90.0


def inputs(
    features: pd.DataFrame,
    laws: Laws | Cutpoints,
    bg_nbd: BgNbd | None,
    horizon_days: int,
    thresholds: levels.Thresholds,
) -> dict[str, np.ndarray]:
    """The inputs of each customer of `features` by name, in the order of INPUTS: float64, nan where
    unknown.

    `laws` are those in force (cut-points will do), `thresholds` those of the levels. Without `bg_nbd` its
    inputs are nan. Raises FeatureMissing for a column that is not there.
    """
    import numpy as np

    units.require(features, TRAINING, "churn inputs")
    known = {name: _numbers(features, name) for name in _AS_THEY_ARE}
    gaps = units.whole(features, "gaps", missing=0)
    orders_life = units.whole(features, "orders_life", missing=0)
    bought = orders_life >= 1
    recency, tenure = known["recency_days"], known["tenure_days"]
    _, mu, sigma, days = levels.customer_limits(
        orders_life,
        gaps,
        units.whole(features, "gap_ln_sum", missing=0),
        units.whole(features, "gap_ln_sq_sum", missing=0),
        laws,
        thresholds,
    )
    # on the calendar nobody has a law: the first limit, three quarters of all gaps, stands in for the median
    typical = np.where(np.isnan(mu), days.q75_days, np.exp(mu))
    spread = np.where(np.isnan(sigma), 1.0, np.maximum(sigma, 0.05))

    # what a quarter usually brings is told by the time before it, from the first order on
    seen_days = np.minimum(tenure, 365.0)
    before_days = seen_days - _QUARTER
    orders_before = known["orders_w"] - known["orders_90d"]
    net_before = known["net_w"] - known["net_90d"]
    quarters = np.where(before_days >= 30, before_days / _QUARTER, np.nan)
    old = tenure > 2 * _QUARTER
    found = {
        **known,
        "orders_per_30d": known["orders_w"] / np.maximum(seen_days, 30.0) * 30.0,
        "gap_typical_days": np.where(bought, typical, np.nan),
        "recency_of_typical": recency / typical,
        "recency_surprise": np.log(recency / typical) / spread,
        "orders_90d_of_usual": _ratio(known["orders_90d"], orders_before / quarters),
        "orders_90d_of_previous": _ratio(
            known["orders_90d"], np.where(old, _numbers(features, "orders_previous_90d"), np.nan)
        ),
        "orders_w_of_180d_ago": _ratio(
            known["orders_w"], np.where(old, _numbers(features, "orders_w_180d_ago"), np.nan)
        ),
        "last_gap_of_typical": _numbers(features, "last_gap_days") / typical,
        "net_90d_of_usual": _ratio(known["net_90d"], net_before / quarters),
        "net_90d_of_previous": _ratio(
            known["net_90d"], np.where(old, _numbers(features, "net_previous_90d"), np.nan)
        ),
        "discount_share_w": _ratio(_numbers(features, "discount_w"), _numbers(features, "list_w")),
        "discount_order_share_w": _ratio(_numbers(features, "discount_orders_w"), known["orders_w"]),
        "discount_share_change": _numbers(features, "discount_share_90d")
        - _numbers(features, "discount_share_before_90d"),
        "orders_coming_of_year": _ratio(_numbers(features, "orders_coming_90d_year_ago"), known["orders_w"]),
        "response_share_365d": _ratio(_numbers(features, "responses_365d"), known["contacts_365d"]),
    }
    found |= by_law(known, bg_nbd, horizon_days)
    return {name: found[name] for name in INPUTS}


def by_law(
    values: Mapping[str, np.ndarray], bg_nbd: BgNbd | None, horizon_days: int
) -> dict[str, np.ndarray]:
    """The two inputs that hang on a BG/NBD, of the history among `values`; nan without an order or a law."""
    import numpy as np

    bought = values["occasions_life"] >= 1
    p_alive, expected = np.full(len(bought), np.nan), np.full(len(bought), np.nan)
    if bg_nbd is not None and bought.any():
        t, recency = values["tenure_days"][bought], values["recency_days"][bought]
        history = values["occasions_life"][bought] - 1, t - recency, t
        p_alive[bought] = bg_nbd.p_alive(*history)
        expected[bought] = bg_nbd.expected_purchases(float(horizon_days), *history)
    return {"p_alive": p_alive, "orders_expected": expected}


def stated(features: pd.DataFrame, valid_days: int, groups: Mapping[str, str]) -> np.ndarray:
    """The position in GROUPS of the reason a customer named in a survey of the last `valid_days` days, or -1.

    `groups` says which group an answer to the question for why somebody stopped buying stands for.
    """
    import numpy as np

    place = units.positions(features, "stop_reason_stated", tuple(groups))
    age = units.whole(features, "stop_reason_stated_days", missing=-1)
    at = np.array([*(GROUPS.index(group) for group in groups.values()), -1])
    return np.where((age >= 0) & (age <= valid_days), at[place], -1)


def _numbers(features: pd.DataFrame, column: str) -> np.ndarray:
    """The column as float64, nan for null; decimals and nullable integers alike."""
    import numpy as np

    values = features[column]
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return values.to_numpy(dtype=np.float64)
    if values.isna().all():
        return np.full(len(values), np.nan)
    return values.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, nan where whole is not above zero."""
    import numpy as np

    there = whole > 0
    return np.where(there, part / np.where(there, whole, 1.0), np.nan)
