"""Silence: who could hear us, and has not given a sign for 90 days.

A sign is a visit, a message opened, clicked or answered, a ticket, feedback, or an answer to a survey. Who
gave one is `engaged`. Who gave none, agreed to be contacted and has a valid contact is silent, and the
churn level says of what kind:

    silent_buyer     L0 or L1: buys, and never speaks     silent_fading  L2 or L3     silent_lost  L4
    silent_prospect  no order yet
    unreachable      no consent, or no valid contact: no sign could be expected
    unknown          no web events, messages or feedback delivered, or not known if they can be reached

Source: definitions part 8, section 7 (Silent), part 2, SG32. The levels are those of the scheme
churn_level, by its own function. The definition has no kind for a prospect; a person who never bought is no
silent customer of any level, and is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models import reasons, units
from models.churn import levels
from models.thresholds import check_kinds

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

KINDS = ("silent_buyer", "silent_fading", "silent_lost")
GROUPS = (*KINDS, "silent_prospect", "engaged", "unreachable", "unknown")
FEATURES = (*levels.FEATURES, "interactions_90d", "consent_marketing", "has_valid_contact")
COLUMNS = {"silent_flag": "boolean", "silent_kind": "varchar", "churn_level": "varchar"}


@dataclass(frozen=True)
class Thresholds:
    """Silence has no number of its own; `levels` are the thresholds of the churn levels it rests on."""

    levels: levels.Thresholds = field(default_factory=levels.Thresholds)

    def __post_init__(self) -> None:
        check_kinds(self)


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: group, flag, kind, level and reason.

    silent_flag is null for `unknown`; silent_kind is null but for the three kinds; churn_level is null for a
    prospect. Raises FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "silence")
    level = levels.places(features, cutpoints, thresholds.levels)  # 0 for no order, 1 to 5 for L0 to L4
    signs = units.whole(features, "interactions_90d", missing=-1)
    consent = units.truths(features, "consent_marketing")
    contact = units.truths(features, "has_valid_contact")
    positions = np.select(
        [signs < 0, signs > 0, consent == 0, contact == 0, (consent < 0) | (contact < 0), level == 0],
        range(6),
        6 + np.select([level <= 2, level <= 4], [0, 1], 2),
    )
    found = _reasons()
    columns = reasons.reason_columns(positions, found)
    flags = np.array([each.segment.startswith("silent_") for each in found])[positions]
    known = np.array([each.segment != "unknown" for each in found])[positions]
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "silent_flag": pd.array(np.where(known, flags, None), dtype="boolean"),
            "silent_kind": reasons.labels(np.where(positions >= 6, positions - 6, -1), KINDS),
            "churn_level": reasons.labels(level - 1, levels.GROUPS[1:]),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons() -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    return (
        reasons.reason("unknown", "SIL_UNKNOWN"),
        reasons.reason("engaged", "SIL_ENGAGED"),
        reasons.reason("unreachable", "SIL_NO_CONSENT"),
        reasons.reason("unreachable", "SIL_NO_CONTACT"),
        reasons.reason("unknown", "SIL_REACH_UNKNOWN"),
        reasons.reason("silent_prospect", "SIL_PROSPECT"),
        reasons.reason("silent_buyer", "SIL_BUYER"),
        reasons.reason("silent_fading", "SIL_FADING"),
        reasons.reason("silent_lost", "SIL_LOST"),
    )
