"""The schemes: every way of grouping customers that is scored each day, with all their thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from models.churn import levels
from models.segments import lifecycle, purchase_group, rfm, value_tier
from models.thresholds import check_kinds, check_within, threshold

if TYPE_CHECKING:
    from types import ModuleType

SCHEMES: dict[str, ModuleType] = {
    "rfm": rfm,
    "purchase_group": purchase_group,
    "value_tier": value_tier,
    "lifecycle": lifecycle,
    "churn_level": levels,
}

COLUMNS: dict[str, dict[str, str]] = {
    "rfm": {
        "r": "integer",
        "f": "integer",
        "m": "integer",
        "fm": "integer",
        "rfm_code": "varchar",
        "rfm8_code": "varchar",
    },
    "purchase_group": {
        "f_life": "integer",
        "m_life": "integer",
        "maturity": "varchar",
        "one_time_high_value": "boolean",
        "purchase_rhythm": "varchar",
    },
    "value_tier": {"value_basis": "varchar", "value": "double", "care_level": "varchar"},
    "lifecycle": {
        "tau_days": "double",
        "rho": "double",
        "reactivation_limit_days": "double",
        "customer_age": "varchar",
        "churn_level": "varchar",
    },
    "churn_level": {
        "q75_days": "double",
        "q90_days": "double",
        "q95_days": "double",
        "churned_after_days": "double",
        "gap_mu": "double",
        "gap_sigma": "double",
        "basis": "varchar",
        "flag_churn_risk": "boolean",
    },
}
"""Scheme → its own score columns and their types, beside customer_id, segment and the reason."""


@dataclass(frozen=True)
class MinimumData:
    """What cut-points need before they count as fitted. Raises ThresholdInvalid for a value without sense."""

    buyers: int = threshold(500, unit="customers with an order", reason="a fifth of them is still 100")
    history_days: int = threshold(180, unit="days", reason="half a year shows more than one season")
    last_order_days: int = threshold(30, unit="days", reason="an extract that stopped arriving fits nothing")
    three_order_share: float = threshold(
        0.02, unit="share of buyers", reason="without them frequency has nothing to tell apart"
    )

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 0, 10**9, "buyers", "history_days", "last_order_days")
        check_within(self, 0, 1, "three_order_share")


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of every scheme, and the data cut-points need; a field per scheme of SCHEMES.

    The lifecycle stages judge by the same churn levels as the scheme churn_level, always.
    """

    rfm: rfm.Thresholds = field(default_factory=rfm.Thresholds)
    purchase_group: purchase_group.Thresholds = field(default_factory=purchase_group.Thresholds)
    value_tier: value_tier.Thresholds = field(default_factory=value_tier.Thresholds)
    lifecycle: lifecycle.Thresholds = field(default_factory=lifecycle.Thresholds)
    churn_level: levels.Thresholds = field(default_factory=levels.Thresholds)
    minimum_data: MinimumData = field(default_factory=MinimumData)

    def __post_init__(self) -> None:
        if self.lifecycle.levels != self.churn_level:
            object.__setattr__(self, "lifecycle", replace(self.lifecycle, levels=self.churn_level))
