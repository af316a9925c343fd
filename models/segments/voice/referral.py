"""Referral: who brings others along, and who may.

group               who
advocate            at least one success within 365 days: somebody came through them, and ordered
potential_referrer  no success, but a loyalty index of 60 and a satisfaction index of 70 or more, and a
                    promoter, or somebody who referred with success before: whom AC14 is offered
inviter             neither, but invited somebody within 365 days
none                known to have done none of this
unknown             referrals are not delivered, and nothing makes a potential referrer

The value of a customer's referrals (crv) is a feature; it is never part of the customer's own value, and the
column `additive` says so. The two indices are those of the schemes loyalty and satisfaction, made here from
the same features once more, because no scheme reads another's scores.

Source: definitions part 8, section 11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models import reasons, units
from models.segments.voice import loyalty, satisfaction
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

GROUPS = ("advocate", "potential_referrer", "inviter", "none", "unknown")
FEATURES = tuple(
    dict.fromkeys(
        (
            "customer_id",
            "invites_365d",
            "invites_converted_365d",
            "conversions_365d",
            "conversions_life",
            *satisfaction.FEATURES,
            *loyalty.FEATURES,
        )
    )
)
COLUMNS = {
    "loyalty_index": "double",
    "satisfaction_index": "double",
    "nps_class": "varchar",
    "is_potential_referrer": "boolean",
    "referral_conversion": "double",
    "additive": "boolean",
}


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the referral groups. Raises ThresholdInvalid for a value that makes no sense.

    The indices are judged by the thresholds of their own schemes.
    """

    min_loyalty: float = threshold(
        60,
        unit="points of 100",
        reason="well within those inclined to be loyal; definitions part 8, section 11",
    )
    min_satisfaction: float = threshold(
        70, unit="points of 100", reason="nobody recommends what disappointed them"
    )
    loyalty: loyalty.Thresholds = field(default_factory=loyalty.Thresholds)
    satisfaction: satisfaction.Thresholds = field(default_factory=satisfaction.Thresholds)

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 100, "min_loyalty", "min_satisfaction")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group, the indices it rests on and the reason.

    Raises FeatureMissing for a missing column.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "referral")
    rated, satisfied = _indices(features, cutpoints, thresholds)
    fit = (rated >= thresholds.min_loyalty) & (satisfied >= thresholds.min_satisfaction)
    positions = _positions(features, fit)
    nps = satisfaction.nps_classes(features)
    invites, converted = (_numbers(features, name) for name in ("invites_365d", "invites_converted_365d"))
    columns = reasons.reason_columns(positions, _reasons(thresholds))
    conversion = np.divide(converted, invites, out=np.full(len(invites), np.nan), where=invites > 0)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "loyalty_index": rated,
            "satisfaction_index": satisfied,
            "nps_class": reasons.labels(nps, satisfaction.NPS_CLASSES),
            "is_potential_referrer": fit & _may_refer(features),
            "referral_conversion": np.round(conversion, 4),
            "additive": np.zeros(len(features), dtype=bool),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def segments(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """The place in GROUPS `assign` gives each customer; the indices only of those they decide about."""
    import numpy as np

    asked = _may_refer(features)
    rated, satisfied = _indices(features[asked], cutpoints, thresholds)
    fit = np.zeros(len(features), dtype=bool)
    fit[asked] = (rated >= thresholds.min_loyalty) & (satisfied >= thresholds.min_satisfaction)
    groups = np.array([GROUPS.index(each.segment) for each in _reasons(thresholds)])
    return groups[_positions(features, fit)]


def _indices(
    features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray]:
    """The index of loyalty and that of satisfaction."""
    rated, _ = loyalty.index(
        loyalty.parts(features, cutpoints, thresholds.loyalty), thresholds.loyalty.weights, thresholds.loyalty
    )
    satisfied, _, _ = satisfaction.index(features, cutpoints, thresholds.satisfaction)
    return rated, satisfied


def _may_refer(features: pd.DataFrame) -> np.ndarray:
    """Who is offered AC14 if their indices are high: promoters, and who referred with success before."""
    return (satisfaction.nps_classes(features) == 2) | (_numbers(features, "conversions_life") > 0)


def _positions(features: pd.DataFrame, fit: np.ndarray) -> np.ndarray:
    """The place in `_reasons` of each customer; `fit` is whether both indices are high."""
    import numpy as np

    nps = satisfaction.nps_classes(features)
    invites, conversions = (_numbers(features, name) for name in ("invites_365d", "conversions_365d"))
    potential = fit & _may_refer(features)
    return np.select(
        [conversions > 0, potential & (nps == 2), potential, invites > 0, np.isnan(invites)],
        [0, 1, 2, 3, 5],
        4,
    )


def _numbers(features: pd.DataFrame, column: str) -> np.ndarray:
    return features[column].to_numpy(dtype="float64", na_value=float("nan"))


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    fit = {
        "loyalty": thresholds.min_loyalty,
        "satisfaction": thresholds.min_satisfaction,
        "promoter": satisfaction.PROMOTER_MIN,
    }
    return (
        reasons.reason("advocate", "REF_ADVOCATE"),
        reasons.reason("potential_referrer", "REF_PROMOTER", **fit),
        reasons.reason("potential_referrer", "REF_PAST", **fit),
        reasons.reason("inviter", "REF_INVITER", **fit),
        reasons.reason("none", "REF_NONE", **fit),
        reasons.reason("unknown", "REF_UNKNOWN", **fit),
    )
