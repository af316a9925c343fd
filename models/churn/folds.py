"""Past days to learn from: which, what is read of each, and which of them trains, calibrates and tests.

At a cut-off t0 only what was known on t0 is seen, and what happened in [t0, t0 + H) is the label: churned, if
no valid order fell into it. Who is eligible could still be lost: level L0 to L3 by the laws of the rows of t0
itself, and an order in the window. Source: definitions part 8, section 7.

    t*  = D - H   test: the last cut-off whose horizon has passed
    t* - H        calibrate
    <= t* - 2H    train: no label window of a fold reaches into the next one

With less than 4H of history the folds stand 30 days apart, and their label windows overlap.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from models import units, value
from models.churn import inputs, levels
from models.churn.inputs import Laws

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    import numpy as np
    import pandas as pd

    from models.churn.probability import Thresholds
    from models.cutpoints import Cutpoints
    from models.value import BgNbd

LABEL = "is_churned"


class LabelUnknown(ValueError):
    """A label whose horizon has passed is null, or one that has not is known; the message names the day."""


class LabelOneSided(ValueError):
    """Nobody, or everybody, of very many eligible customers churned: the label itself must be wrong."""


class Cut(NamedTuple):
    """What was read at one cut-off: its eligible customers in the order of their hash, a sample if too many.

    `rows` and `churned` count all eligible customers, `customers` everybody with a row. `bg_nbd` is fitted on
    all buyers of the day; the inputs that hang on one are nan until `by` is told which law to read them by.
    """

    on: date
    inputs: Mapping[str, np.ndarray]
    y: np.ndarray
    level: np.ndarray
    customers: int
    rows: int
    churned: int
    bg_nbd: BgNbd | None

    def first(self, rows: int) -> Cut:
        """The same with at most `rows` of its customers, always the same ones."""
        if rows >= len(self.y):
            return self
        taken = {name: values[:rows] for name, values in self.inputs.items()}
        return self._replace(inputs=taken, y=self.y[:rows], level=self.level[:rows])

    def by(self, bg_nbd: BgNbd | None, thresholds: Thresholds) -> Cut:
        """The same, read by a BG/NBD.

        One law has to stand for every day a score is learned and judged on: each day's own would tell two
        customers of the same history apart, and where nobody drops out P(alive) is noise about one.
        """
        told = inputs.by_law(self.inputs, bg_nbd, thresholds.horizon_days)
        return self._replace(inputs={**self.inputs, **told})


class Folds(NamedTuple):
    """The cut-offs of one run: those that train, the one that calibrates, the one that tests."""

    train: tuple[date, ...]
    calibrate: date
    test: date


def opened_on(first_orders: pd.Series, as_of: date) -> date:
    """The day by which one in a hundred customers had ordered: one order with a wrong day opens no shop.

    `first_orders` are the days of first orders as `as_of` knows them; without any the shop opens on `as_of`.
    """
    known = first_orders.dropna().sort_values()
    return known.iloc[len(known) // 100].date() if len(known) else as_of


def cutoffs(as_of: date, opened_on: date, thresholds: Thresholds) -> tuple[date, ...]:
    """The past days a model of `as_of` learns from, from early to late; all their horizons have passed.

    They stand a horizon apart where that leaves two years' ends to compare seasons by, else 30 days, and
    reach as far back as `reach_days`; each has `min_history_days` of purchases before it.
    """
    horizon = thresholds.horizon_days
    last = as_of - timedelta(days=horizon)
    oldest = max(
        opened_on + timedelta(days=thresholds.min_history_days),
        as_of - timedelta(days=thresholds.reach_days),
    )
    is_long = last - timedelta(days=4 * horizon) >= oldest
    step = horizon if is_long else thresholds.spacing_days
    count = (last - oldest).days // step + 1
    return tuple(last - timedelta(days=step * back) for back in range(count))[::-1]


def is_overlapping(as_of: date, opened_on: date, thresholds: Thresholds) -> bool:
    """Whether history is too short for folds whose label windows stay apart: under four horizons."""
    return (as_of - opened_on).days < 4 * thresholds.horizon_days


def folds(test: date, days: Sequence[date], overlapping: bool, thresholds: Thresholds) -> Folds | None:
    """The folds of a run tested on `test`, among the cut-offs `days`; None where one of them is missing."""
    apart = timedelta(days=thresholds.spacing_days if overlapping else thresholds.horizon_days)
    calibrate = [day for day in days if day <= test - apart]
    if not calibrate:
        return None
    train = tuple(day for day in days if day <= calibrate[-1] - apart)
    return Folds(train, calibrate[-1], test) if train else None


def apart(days: Iterable[date], thresholds: Thresholds) -> list[date]:
    """Of some days the latest, and before it only such as lie a horizon apart: no outcome counts twice."""
    kept: list[date] = []
    for day in sorted(days, reverse=True):
        if not kept or day <= kept[-1] - timedelta(days=thresholds.horizon_days):
            kept.append(day)
    return kept


def eligible(features: pd.DataFrame, laws: Laws | Cutpoints, thresholds: Thresholds) -> np.ndarray:
    """Who can still be lost, and the level of everybody: (boolean, level 0 to 4 or -1 without an order)."""
    import numpy as np

    orders_life = units.whole(features, "orders_life", missing=0)
    bought = orders_life >= 1
    *_, days = levels.customer_limits(
        orders_life,
        units.whole(features, "gaps", missing=0),
        units.whole(features, "gap_ln_sum", missing=0),
        units.whole(features, "gap_ln_sq_sum", missing=0),
        laws,
        thresholds.levels,
    )
    level = levels.level_numbers(units.days_where(features, "recency_days", bought), days)
    level = np.where(bought, level, -1)
    in_window = units.whole(features, "orders_w", missing=0) >= 1
    return bought & in_window & (level <= 3), level


def laws_of(features: pd.DataFrame, thresholds: Thresholds) -> Laws:
    """The laws of the rows of a day, as its cut-points have them; the calendar unless both are there."""
    found = Laws(
        levels.fit_gap_law(features, thresholds.levels),
        levels.fit_second_order_law(features, thresholds.levels),
    )
    return Laws(None, None) if None in found else found


def read(features: pd.DataFrame, on: date, *, labelled: bool, thresholds: Thresholds) -> Cut:
    """The eligible customers of one day. Raises LabelUnknown and LabelOneSided.

    `features` may be anything with `columns` and columns by name. Rows may come in any order.
    """
    import numpy as np
    import pandas as pd

    units.require(features, [*inputs.TRAINING, LABEL] if labelled else inputs.TRAINING, "churn folds")
    laws = laws_of(features, thresholds)
    can_be_lost, level = eligible(features, laws, thresholds)
    ids = features["customer_id"].astype("str").to_numpy(dtype=object)
    hashed = pd.util.hash_array(ids, categorize=False)
    order = np.lexsort((ids, hashed)) if len(np.unique(hashed)) < len(hashed) else np.argsort(hashed)

    y = np.full(len(ids), np.nan)
    if labelled:
        y = features[LABEL].astype("boolean").to_numpy(dtype=np.float64, na_value=np.nan)
        unknown = int((np.isnan(y) & can_be_lost).sum())
        if unknown:
            msg = f"{LABEL} is null for {unknown} eligible customers of {on}, whose horizon has passed"
            raise LabelUnknown(msg)
    rows, churned = int(can_be_lost.sum()), int(y[can_be_lost].sum()) if labelled else 0
    if labelled and rows >= thresholds.one_sided_rows and churned in (0, rows):
        msg = (
            f"{churned} of {rows} eligible customers of {on} churned; both kinds were wanted. "
            "Where that is true (a shop that was closed), raise thresholds.churn.one_sided_rows"
        )
        raise LabelOneSided(msg)

    bought = order[units.whole(features, "orders_life", missing=0)[order] >= 1][: thresholds.max_rows]
    model = _bg_nbd(_taken(features, ("gaps", "recency_days", "tenure_days"), bought))
    taken = order[can_be_lost[order]][: thresholds.max_rows]
    few = _taken(features, inputs.TRAINING, taken)
    found = inputs.inputs(few, laws, None, thresholds.horizon_days, thresholds.levels)
    return Cut(on, found, y[taken], level[taken], len(ids), rows, churned, model)


def _taken(features: pd.DataFrame, columns: Sequence[str], rows: np.ndarray) -> pd.DataFrame:
    """The rows at the positions `rows`, of some columns, read one column at a time."""
    import pandas as pd

    return pd.DataFrame({name: features[name].iloc[rows].array for name in columns})


def _bg_nbd(buyers: pd.DataFrame) -> BgNbd | None:
    """BG/NBD of these buyers; None where they tell nothing of coming back, or no maximum was found."""
    gaps, recency, tenure = (units.whole(buyers, name) for name in ("gaps", "recency_days", "tenure_days"))
    if not (gaps > 0).any():
        return None
    try:
        return value.fit_bg_nbd(gaps, tenure - recency, tenure)
    except value.FitFailed:
        return None
