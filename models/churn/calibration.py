"""From log odds to probabilities that hold: a rising curve, and how far its level is off on another day.

With enough rows the curve is isotonic: rows are put into bins of equal size by score, neighbours that fall
are pooled (Zadrozny & Elkan 2002, KDD), and the curve runs straight in log odds from one pool's middle to the
next (centred isotonic regression, Oron & Flournoy 2017, Statistics in Biopharmaceutical Research 9(3)), so
that customers who differ in score differ in probability. Beyond the outer pools it goes on with Platt's
slope. With fewer rows it is Platt's line alone (Platt 1999), with his targets, which are never 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_PLACES = 9
_BIN_ROWS = 100
_MAX_BINS = 100
_MIN_SLOPE = 1e-3


@dataclass(frozen=True)
class Curve:
    """Knots (`scores`, `log_odds`) of a rising line that goes on with `slope` beyond both ends."""

    kind: str
    scores: tuple[float, ...]
    log_odds: tuple[float, ...]
    slope: float

    def calibrated(self, score: np.ndarray) -> np.ndarray:
        """The calibrated log odds of each score."""
        import numpy as np

        inside = np.interp(score, self.scores, self.log_odds)
        below = np.minimum(score - self.scores[0], 0.0)
        above = np.maximum(score - self.scores[-1], 0.0)
        return inside + self.slope * (below + above)


def fit(score: np.ndarray, y: np.ndarray, *, isotonic_rows: int) -> Curve:
    """The curve of one fold: isotonic from `isotonic_rows` rows on, else Platt's line."""
    import numpy as np

    a, b = _platt(score, y)
    if len(y) < isotonic_rows:
        return Curve("platt", (0.0,), (round(b, _PLACES),), round(a, _PLACES))
    order = np.argsort(score, kind="stable")
    bins = int(min(_MAX_BINS, len(y) // _BIN_ROWS))
    starts = (np.arange(bins) * len(y)) // bins
    # a score that many share must not lie in two bins
    ranked = score[order]
    starts = np.unique(np.searchsorted(ranked, ranked[starts], side="left"))
    sizes = np.diff(np.append(starts, len(y))).astype(np.float64)
    lost = np.add.reduceat(y[order].astype(np.float64), starts)
    middle = np.add.reduceat(ranked, starts)
    pools: list[list[float]] = []
    for size, hits, total in zip(sizes.tolist(), lost.tolist(), middle.tolist(), strict=True):
        pools.append([size, hits, total])
        while len(pools) > 1 and _rate(pools[-2]) >= _rate(pools[-1]):
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    scores = tuple(round(total / size, _PLACES) for size, _, total in pools)
    rates = np.array([_rate(pool) for pool in pools])
    log_odds = np.log(rates / (1 - rates))
    return Curve(
        "isotonic", scores, tuple(round(float(each), _PLACES) for each in log_odds), round(a, _PLACES)
    )


def _rate(pool: list[float]) -> float:
    """The rate of a pool of (rows, churned, ...), half a customer added to both sides: never 0 or 1."""
    return (pool[1] + 0.5) / (pool[0] + 1.0)


def _platt(score: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope, held above zero, and intercept of Platt's line; Newton's method on two numbers."""
    import numpy as np

    hits = float(y.sum())
    target = np.where(y > 0, (hits + 1) / (hits + 2), 1 / (len(y) - hits + 2))
    a, b = 1.0, 0.0
    for _ in range(50):
        p = probability(a * score + b)
        rest, weight = target - p, p * (1 - p) + 1e-12
        slope = np.array([(rest * score).sum() - 1e-6 * (a - 1.0), rest.sum()])
        cross = (weight * score).sum()
        curve = np.array([[(weight * score**2).sum() + 1e-6, cross], [cross, weight.sum()]])
        step = np.linalg.solve(curve, slope)
        a, b = a + float(np.clip(step[0], -2, 2)), b + float(np.clip(step[1], -2, 2))
        if np.abs(step).max() < 1e-10:
            break
    if a < _MIN_SLOPE:
        a = _MIN_SLOPE
        b = shift_to(a * score, float(target.mean()))
    return a, b


def probability(log_odds: np.ndarray) -> np.ndarray:
    """The probability of log odds, without overflow."""
    import numpy as np

    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1.0, small) / (1 + small)


def shift_to(log_odds: np.ndarray, rate: float) -> float:
    """What has to be added to the log odds for their mean probability to be `rate`, within 12 either way.

    Saerens, Latinne & Decaestecker 2002, Neural Computation 14(1): adjusting outputs to a new prior.
    """
    low, high = -12.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(probability(log_odds + middle).mean()) < rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2
