"""The probability that a customer who can still be lost will not buy within the horizon.

`training.train` learns a ChurnModel from several past days; it says for itself whether its probabilities may
be published, or why the rule is. `score` judges the customers of a day with it, each one alone.
Source: definitions part 8, section 7.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from math import isnan
from types import MappingProxyType
from typing import TYPE_CHECKING

from models import units
from models.churn import folds, inputs, levels, reasons
from models.churn.additive import Additive
from models.churn.calibration import Curve, probability
from models.thresholds import check_above, check_kinds, check_rising, check_within, refuse, threshold
from models.value import BgNbd

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from typing import Any

    import numpy as np
    import pandas as pd

    from models.cutpoints import Cutpoints

BANDS = ("low", "mid", "high")
STATUSES = ("ok", "insufficient", "degenerate")
DECISIONS = ("publish", "rule", "hold")
FEATURES = inputs.FEATURES
COLUMNS = {
    "is_eligible": "boolean",
    "churn_probability": "double",
    "churn_band": "varchar",
    "reason_1": "varchar",
    "reason_2": "varchar",
    "reason_3": "varchar",
    "reason_basis": "varchar",
}
"""The columns `score` returns beside customer_id, and their types."""

_PLACES = 6


class ChurnModelUnreadable(ValueError):
    """A stored model is not one that this code wrote."""


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the churn model. Raises ThresholdInvalid for a value that makes no sense.

    `levels` are the thresholds of the churn levels that say who can still be lost.
    """

    horizon_days: int = threshold(90, unit="days", reason="a quarter: the horizon Dynamics 365 suggests")
    spacing_days: int = threshold(
        30, unit="days", reason="a young shop has few horizons; a month apart it has three times as many"
    )
    reach_days: int = threshold(
        540, unit="days", reason="six horizons: a season, the one a year before, and days to train on"
    )
    min_history_days: int = threshold(30, unit="days", reason="a month shows who comes back at all")
    max_customers: int = threshold(
        200_000, unit="customers", reason="past days are built for so many; more move the third digit"
    )
    max_rows: int = threshold(
        300_000, unit="customers a fold", reason="more rows cost minutes and move the third digit"
    )
    min_each: int = threshold(100, unit="customers", reason="Segment's floor: so many left, so many stayed")
    one_sided_rows: int = threshold(
        1_000,
        unit="customers",
        reason="of so many some leave and some stay, or the label is wrong",
    )
    base_rate_within: tuple[float, float] = threshold(
        (0.02, 0.98), unit="share", reason="beyond, nothing is left to tell apart"
    )
    max_ap_loss: float = threshold(
        0.95, unit="ratio", reason="1 - AP has to be a twentieth smaller than the best rule's"
    )
    confidence: float = threshold(0.90, unit="share", reason="of bounds and intervals alike")
    bootstrap_rounds: int = threshold(200, unit="draws", reason="the bound then moves in its third digit")
    bootstrap_rows: int = threshold(50_000, unit="customers", reason="a bound over more is no bound in doubt")
    max_ece: float = threshold(0.05, unit="probability", reason="five customers in a hundred off")
    max_base_shift: float = threshold(
        0.30, unit="share of the rate", reason="a rate that moved by a third is another label"
    )
    isotonic_rows: int = threshold(1_000, unit="customers", reason="fewer bend a curve to their noise")
    season_within_days: int = threshold(
        15, unit="days", reason="a cut-off of last year stands for a day so near"
    )
    bands: tuple[float, float] = threshold((0.33, 0.66), unit="probability", reason="Dynamics 365's bands")
    default_cut: float = threshold(0.66, unit="probability", reason="the high band, where costs are not told")
    save_rate: float = threshold(0, unit="share", reason="who stays because of an offer; 0: not told")
    contact_cost: float = threshold(0, unit="money", reason="of one offer; 0: not told")
    runs: int = threshold(
        3, unit="runs", reason="whose realised rates a flag carries, as far as they lie a horizon apart"
    )
    min_share: float = threshold(
        0.10, unit="log odds", reason="a reason changes the odds by a tenth, or it is none"
    )
    stated_days: int = threshold(720, unit="days", reason="two years: as long as a barrier that was stated")
    logistic_penalty: float = threshold(300, unit="L2", reason="wins on calibration folds of some 2,000 rows")
    boosting_rounds: int = threshold(100, unit="trees", reason="more gain nothing on the data measured")
    boosting_rate: float = threshold(0.05, unit="share of a tree", reason="slow enough for so few leaves")
    boosting_leaves: int = threshold(4, unit="leaves", reason="an input's curve needs a few steps a tree")
    seed: int = threshold(20, unit="seed", reason="any number; the same one gives the same bytes")
    levels: levels.Thresholds = field(default_factory=levels.Thresholds)

    def __post_init__(self) -> None:
        check_kinds(self)
        check_within(self, 7, 365, "horizon_days", "spacing_days")
        check_within(self, self.horizon_days, 3_650, "reach_days")
        check_within(self, 1, 3_650, "min_history_days", "stated_days")
        check_within(self, 1_000, 10_000_000, "max_rows", "bootstrap_rows")
        check_within(self, 1, 10_000, "min_each", "bootstrap_rounds", "boosting_rounds", "runs")
        check_above(
            self, 0, "max_customers", "one_sided_rows", "isotonic_rows", "logistic_penalty", "boosting_rate"
        )
        check_within(self, 2, 31, "boosting_leaves")
        check_within(self, 0, 1, "max_ap_loss", "max_ece", "max_base_shift", "save_rate")
        check_within(self, 0.5, 0.999, "confidence")
        check_within(self, 0, 182, "season_within_days")
        check_within(self, 0, 1, "default_cut")
        check_within(self, 0, 10**9, "contact_cost", "min_share")
        for name in ("bands", "base_rate_within"):
            check_rising(self, name)
            if getattr(self, name)[-1] >= 1:
                refuse(self, name, "probabilities below 1")
        if (self.save_rate > 0) != (self.contact_cost > 0):
            refuse(self, "contact_cost", "more than 0 exactly where save_rate is: a profit needs both")


@dataclass(frozen=True)
class ChurnModel:
    """A churn model of one day: what it judges by, how it did, and whether its probabilities may be shown.

    status     ok, insufficient (too little data, `why` counts it) or degenerate (all alike, or nearly)
    decision   publish; rule (the rule stands: no model, or none that beats the best rule); hold (it ranks
               better, but its probabilities are off, and somebody has to look)
    gates      name → what was found, what was wanted and whether it holds
    folds      the days that trained, calibrated and tested, and whether their label windows overlap
    candidates average precision of each on the calibration fold; `score` is the best of them
    score, curve, shift   log odds by inputs, calibrated on the fold of that name, and moved to the level
               expected of the day
    level      how `shift` came about: season known or unknown, what each cut-off was off
    backtest   a row per run, model and band
    record     kind (band or level) → code → n, churned, rate, low, high, runs: how it went the last times
    reference  input → edges, shares: how the inputs lay among the eligible of the day, for drift
    """

    as_of: str
    known: str
    horizon_days: int
    status: str
    decision: str
    why: tuple[str, ...]
    counts: Mapping[str, Any]
    folds: Mapping[str, Any]
    gates: Mapping[str, Any]
    candidates: Mapping[str, float]
    score: Additive | None
    curve: Curve | None
    shift: float
    level: Mapping[str, Any]
    bg_nbd: BgNbd | None
    base_rate: float | None
    cut: float
    cut_basis: str
    backtest: tuple[Mapping[str, Any], ...]
    record: Mapping[str, Any]
    reference: Mapping[str, Any]

    @property
    def is_published(self) -> bool:
        """Whether its probabilities are shown; else the levels alone speak."""
        return self.decision == "publish"

    def probability(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The calibrated probability of each row of inputs, rounded once."""
        return self.calibrated(self.score.log_odds(values))

    def calibrated(self, log_odds: np.ndarray) -> np.ndarray:
        """The probability of log odds as `score` has them; never 0 or 1, as a cut of 1 is to flag nobody."""
        import numpy as np

        least = 10.0**-_PLACES
        found = np.round(probability(self.curve.calibrated(log_odds) + self.shift), _PLACES)
        return np.clip(found, least, 1 - least)

    def with_cut(self, cut: float, basis: str) -> ChurnModel:
        """The same with another cut of the flag."""
        return replace(self, cut=round(float(cut), _PLACES), cut_basis=basis)

    def with_decision(self, decision: str, *why: str) -> ChurnModel:
        """The same, decided otherwise by a person; `why` goes before what was there."""
        return replace(self, decision=decision, why=(*why, *self.why))

    def to_json(self) -> str:
        """The value as JSON with sorted keys; equal models give equal text."""
        plain = {part.name: getattr(self, part.name) for part in fields(self)}
        plain["score"] = self.score.plain() if self.score else None
        plain["curve"] = asdict(self.curve) if self.curve else None
        plain["bg_nbd"] = asdict(self.bg_nbd) if self.bg_nbd else None
        return json.dumps(
            _plain(plain), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> ChurnModel:
        """The value that `to_json` wrote. Raises ChurnModelUnreadable when fields are missing or unknown."""
        found = json.loads(text)
        wanted = {part.name for part in fields(cls)}
        if not isinstance(found, dict) or set(found) != wanted:
            msg = f"a churn model has {sorted(wanted)}, this has {sorted(found)}; train it again"
            raise ChurnModelUnreadable(msg)
        score, curve, bg_nbd = found.pop("score"), found.pop("curve"), found.pop("bg_nbd")
        return cls(
            **{name: _frozen(value) for name, value in found.items()},
            score=Additive.of_plain(score) if score else None,
            curve=Curve(**{name: _frozen(value) for name, value in curve.items()}) if curve else None,
            bg_nbd=BgNbd(**bg_nbd) if bg_nbd else None,
        )

    def card(self) -> str:
        """What this model is, in Markdown, for a person to read before approving it."""
        from models.churn import card

        return card.card(self)


def score(
    features: pd.DataFrame, cutpoints: Cutpoints, model: ChurnModel, thresholds: Thresholds
) -> pd.DataFrame:
    """One row per customer of `features`, in the same order: customer_id and COLUMNS.

    Probability and band are null for whoever is not eligible, and for everybody where the model is not
    published; then reasons are what was said in surveys alone. Raises FeatureMissing.
    """
    import numpy as np
    import pandas as pd

    units.require(features, FEATURES, "churn model")
    can_be_lost, level = folds.eligible(features, cutpoints, thresholds)
    rows = len(features)
    p = np.full(rows, np.nan)
    adds = {group: np.zeros(rows) for group in inputs.GROUPS}
    if model.is_published and can_be_lost.any():
        few = features if can_be_lost.all() else features.loc[can_be_lost]
        values = inputs.inputs(few, cutpoints, model.bg_nbd, model.horizon_days, thresholds.levels)
        groups = {name: each.group for name, each in inputs.INPUTS.items()}
        log_odds, shares = model.score.explained(values, groups)
        p[can_be_lost] = model.calibrated(log_odds)
        for group, share in shares.items():
            if group is not None:
                adds[group][can_be_lost] = np.round(share, _PLACES)
        for group, fell in reasons.dropped(values).items():
            adds[group][can_be_lost] *= fell
    said = inputs.stated(features, thresholds.stated_days, reasons.STATED)
    late = np.isin(level, [levels.GROUPS.index(code) - 1 for code in thresholds.levels.risk_levels])
    with np.errstate(invalid="ignore"):
        # whoever the model speaks of and the flag, or the band, holds for at risk has a reason, be it unknown
        at_risk = (p >= min(thresholds.bands[0], model.cut)) | (late & ~np.isnan(p))
    chosen = reasons.choose(adds, np.where(can_be_lost, said, -1), at_risk, minimum=thresholds.min_share)
    return pd.DataFrame(
        {
            "customer_id": features["customer_id"],
            "is_eligible": can_be_lost,
            "churn_probability": p,
            "churn_band": band_labels(p, thresholds),
            **chosen,
        },
        index=features.index,
    )


def bands(p: np.ndarray, thresholds: Thresholds) -> np.ndarray:
    """The position in BANDS of each probability, -1 for nan; a band holds its lower limit."""
    import numpy as np

    low, high = thresholds.bands
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(p), -1, (p >= low).astype(np.int64) + (p >= high))


def band_labels(p: np.ndarray, thresholds: Thresholds) -> pd.Categorical:
    """low, mid or high for each probability; null for nan."""
    from models.reasons import labels

    return labels(bands(p, thresholds), BANDS)


def profit_cut(p: np.ndarray, clv: np.ndarray, thresholds: Thresholds) -> tuple[float, str, float]:
    """The cut c that makes the most of sum over p >= c of (save_rate * p * clv - cost); its basis; the sum.

    `clv` is what a customer who stays is expected to bring in 90 days, whatever the horizon (CLV_90). The
    default cut where the save rate and the cost are not told, or nobody has both numbers; 1 where no contact
    would pay.
    """
    import numpy as np

    known = ~np.isnan(p) & ~np.isnan(clv)
    if not thresholds.save_rate or not known.any():
        return thresholds.default_cut, "default", float("nan")
    p, clv = p[known], clv[known]
    order = np.lexsort((clv, -p))
    ranked = p[order]
    earned = np.cumsum(thresholds.save_rate * ranked * clv[order] - thresholds.contact_cost)
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    best = int(np.argmax(earned[ends]))
    if earned[ends[best]] <= 0:
        return 1.0, "profit", 0.0
    return float(ranked[ends[best]]), "profit", float(earned[ends[best]])


def opened_on(first_orders: pd.Series, as_of: date) -> date:
    """The day a shop counts as opened on; see `folds.opened_on`."""
    return folds.opened_on(first_orders, as_of)


def cutoffs(as_of: date, opened_on: date, thresholds: Thresholds) -> tuple[date, ...]:
    """The past days whose frames `training.train` asks for, beside `as_of` itself; see `folds.cutoffs`."""
    return folds.cutoffs(as_of, opened_on, thresholds)


def _plain(value: Any) -> Any:
    """A field as JSON knows it; no number is a null."""
    if isinstance(value, dict | MappingProxyType):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return None if isnan(value) else value
    return value


def _frozen(value: Any) -> Any:
    """A field as ChurnModel holds it."""
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(each) for key, each in value.items()})
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
