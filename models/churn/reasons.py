"""Why a customer is at risk: the reason groups that raise the score, the strongest first.

A group's share is exact: the sum of what its inputs add to the log odds beyond those of a usual customer
(models/churn/additive.py). Give the customer the usual inputs of that group, and the score falls by just
that. What somebody said in a survey goes before what the model reads off their behaviour.
Source: definitions part 8, section 7, reason codes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from models import reasons
from models.churn.inputs import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

UNKNOWN = "unknown"
CODES = (*GROUPS, UNKNOWN)
"""Every reason code, `unknown` for a customer at risk in whom no group stands out."""

STATED: Mapping[str, str] = MappingProxyType(
    {
        "price": "price",
        "product_experience": "quality",
        "feature_gap": "quality",
        "after_sales": "service",
    }
)
"""What an answer to the question for why somebody stopped buying stands for; a competitor is none."""

BASES = ("survey", "model", UNKNOWN)
MOST = 3


def dropped(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whom a reason that speaks of a fall may be said of: group → whether anything fell, by own measure.

    Somebody who never bought much is at risk for buying little, and yet nothing has dropped.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):
        return {
            "frequency_drop": (values["recency_of_typical"] > 1) | (values["orders_90d_of_usual"] < 1),
            "value_drop": (values["net_90d_of_usual"] < 1) | (values["net_90d_of_previous"] < 1),
            "category_exit": values["category_left_share"] > 0,
        }


def choose(
    shares: Mapping[str, np.ndarray],
    stated: np.ndarray,
    at_risk: np.ndarray,
    *,
    minimum: float,
) -> dict[str, pd.Categorical]:
    """The columns reason_1 to reason_3 and reason_basis.

    `shares` has what each group adds in log odds; a group counts from `minimum` on. `stated` is the position
    in GROUPS of what was said, -1 for nothing, and comes first. Whoever is `at_risk` without any reason gets
    `unknown`. Groups that add the same stand in the order of GROUPS.
    """
    import numpy as np

    rows = len(stated)
    adds = np.column_stack([shares.get(group, np.zeros(rows)) for group in GROUPS])
    adds = np.where(adds >= minimum, adds, -np.inf)
    said = stated >= 0
    adds[np.flatnonzero(said), stated[said]] = np.inf
    order = np.argsort(-adds, axis=1, kind="stable")[:, :MOST]
    counts = np.take_along_axis(adds, order, axis=1) > -np.inf
    place = np.where(counts, order, -1)
    none = (place[:, 0] < 0) & at_risk
    place[none, 0] = CODES.index(UNKNOWN)
    basis = np.where(said, 0, np.where(none, 2, np.where(counts[:, 0], 1, -1)))
    return {
        **{f"reason_{at + 1}": reasons.labels(place[:, at], CODES) for at in range(MOST)},
        "reason_basis": reasons.labels(basis, BASES),
    }
