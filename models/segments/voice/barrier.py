"""Purchase barriers and stop reasons: what keeps a customer from buying (more), of those who are asked.

Asked are potential loyal customers (PB2), who spend much and seldom buy: what is in the way? And one-time
buyers whom a second order is overdue of (PB5, matured): why no more? Everybody else is `not_asked`; who is
only waited for is not asked why he left, but if he says so he is heard.

What somebody said comes first: the answer to the group's own question (PB2 purchase_barrier, PB5
stop_reason), else a competitor named as having won, neither older than `stated_days`. Else the evidence
decides: complaints by topic and returns by reason, counted by the barrier they stand for (seed
barrier_words); the barrier with the most, of equal ones the first in the order of EVIDENCE. Nothing tells of
a competitor but the customer. With nothing said and nothing done the barrier is `unknown`, and what was
looked at and not bought, published beside it, is where an interview may start: it says that something is in
the way, and not what. Source: definitions, part 4, ME26.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models import reasons, units
from models.segments import purchase_group
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    import pandas as pd

    from models.cutpoints import Cutpoints

CODES = ("product_experience", "after_sales", "feature_gap", "price", "competitor")
GROUPS = (*CODES, "unknown", "not_asked")
EVIDENCE = CODES[:4]
ASKED = ("PB2_potential_loyal", "PB5_one_time")
BASES = ("stated", "evidence")
FEATURES = (
    *purchase_group.FEATURES,
    "barrier_stated",
    "barrier_stated_days",
    "stop_reason_stated",
    "stop_reason_stated_days",
    "lost_to_stated_days",
    *(f"{code}_evidence" for code in EVIDENCE),
)
COLUMNS = {
    "purchase_group": "varchar",
    "maturity": "varchar",
    "barrier_basis": "varchar",
    "stated_age_days": "integer",
}


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the barriers. Raises ThresholdInvalid for a value that makes no sense.

    `groups` are the thresholds of the purchase groups that decide who is asked.
    """

    stated_days: int = threshold(720, unit="days", reason="two years: as long as a need that was stated")
    min_evidence: int = threshold(1, unit="complaints and returns", reason="few say anything before they go")
    groups: purchase_group.Thresholds = field(default_factory=purchase_group.Thresholds)

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 36_500, "stated_days")
        check_within(self, 1, 10**6, "min_evidence")


def assign(features: pd.DataFrame, cutpoints: Cutpoints, thresholds: Thresholds) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: barrier, what it rests on, and reason.

    Columns: customer_id, segment, purchase_group, maturity (one-time buyers only), barrier_basis (stated or
    evidence; null for unknown and not_asked), stated_age_days (null unless stated), reason_code,
    reason_params. Raises FeatureMissing or FeatureUnknown.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "barriers")
    judged = purchase_group.assign(features, cutpoints, thresholds.groups)
    group = judged["segment"]
    potential = (group == ASKED[0]).to_numpy()
    once = (group == ASKED[1]).to_numpy()
    matured = (judged["maturity"] == "matured").to_numpy(dtype=bool, na_value=False)

    def answer(kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Position of the answer in CODES (-1 without one that is fresh enough) and its age."""
        age = units.whole(features, f"{kind}_stated_days", missing=reasons.NEVER_DAYS)
        given = pd.Index(CODES).get_indexer(features[f"{kind}_stated"].to_numpy(dtype=object, na_value=None))
        return np.where(age <= thresholds.stated_days, given, -1), age

    barrier, barrier_age = answer("barrier")
    stop, stop_age = answer("stop_reason")
    lost_age = units.whole(features, "lost_to_stated_days", missing=reasons.NEVER_DAYS)
    own = np.where(potential, barrier, np.where(once, stop, -1))
    own_age = np.where(potential, barrier_age, stop_age)
    lost = (potential | once) & (own < 0) & (lost_age <= thresholds.stated_days)
    is_told = (own >= 0) | lost
    is_asked = potential | (once & (matured | is_told))

    counts = np.column_stack([units.whole(features, f"{code}_evidence", missing=0) for code in EVIDENCE])
    most = counts.argmax(axis=1) if len(counts) else np.empty(0, dtype=np.int64)
    shown = counts.max(axis=1, initial=0) >= thresholds.min_evidence

    # not asked; five answers; a lost customer; four kinds of evidence; nothing
    positions = np.select([~is_asked, own >= 0, lost, shown], [0, 1 + own, 6, 7 + most], 11)
    columns = reasons.reason_columns(positions, _reasons(thresholds))
    basis = np.select([~is_asked, is_told, shown], [-1, 0, 1], -1)
    age = np.where(own >= 0, own_age, lost_age).astype(np.int32)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "segment": columns["segment"],
            "purchase_group": group.array,
            "maturity": judged["maturity"].array,
            "barrier_basis": reasons.labels(basis, BASES),
            "stated_age_days": pd.arrays.IntegerArray(age, ~(is_asked & is_told)),
            "reason_code": columns["reason_code"],
            "reason_params": columns["reason_params"],
        },
        index=features.index,
    )


def _reasons(thresholds: Thresholds) -> tuple[reasons.Reason, ...]:
    """The order `assign` counts in."""
    said = {"stated_days": thresholds.stated_days}
    done = said | {"min_evidence": thresholds.min_evidence}
    return (
        reasons.reason("not_asked", "BAR_NOT_ASKED", **said),
        *(reasons.reason(code, f"BAR_{code.upper()}_STATED", **said) for code in CODES),
        reasons.reason("competitor", "BAR_COMPETITOR_NAMED", **said),
        *(reasons.reason(code, f"BAR_{code.upper()}_SHOWN", **done) for code in EVIDENCE),
        reasons.reason("unknown", "BAR_UNKNOWN", **done),
    )
