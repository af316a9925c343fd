"""How good churn scores are: ranking, calibration, what a band holds, and whether a difference is one.

Every measure works on arrays of one row per customer: `y` is 1 for churned, scores are higher for those who
are thought to leave. Rows that score the same are never ordered: a measure that needs an order takes its mean
over all orders of them, or treats them as one step.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """The chance that one who churned scores above one who stayed, ties half; nan with one class alone.

    Hanley & McNeil 1982, Radiology 143(1), 29-36: the Mann-Whitney statistic.
    """
    import numpy as np

    lost, kept = _by_score(y, score)
    positives, negatives = lost.sum(), kept.sum()
    if not positives or not negatives:
        return float("nan")
    below = np.cumsum(kept[::-1])[::-1] - kept  # steps run from the highest score to the lowest
    return float((lost * (below + kept / 2)).sum() / (positives * negatives))


def average_precision(y: np.ndarray, score: np.ndarray) -> float:
    """Sum over steps of the score of (rise of recall) * precision; nan where nobody churned."""
    lost, kept = _by_score(y, score)
    return float(_average_precision(lost[None, :], kept[None, :])[0])


def brier(y: np.ndarray, p: np.ndarray) -> float:
    """Mean squared distance of the probability from what happened (Brier 1950)."""
    return float(((p - y) ** 2).mean())


def ece(y: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins: mean |realised rate - mean probability|, by rows.

    Naeini, Cooper & Hauskrecht 2015, AAAI, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".
    A bin holds its lower edge; the last holds 1 as well.
    """
    import numpy as np

    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, p, bins) - np.bincount(place, y, bins)
    return float(np.abs(gaps).sum() / len(y))


class Interval(NamedTuple):
    """A share with the bounds of its interval."""

    rate: float
    low: float
    high: float


def wilson(hits: int, rows: int, confidence: float = 0.90) -> Interval | None:
    """Wilson's score interval of a share (Wilson 1927, JASA 22, 209-212); None without rows."""
    if not rows:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = hits / rows
    middle = (rate + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * sqrt(rate * (1 - rate) / rows + z * z / (4 * rows * rows))
    return Interval(rate, max(middle - half, 0.0), min(middle + half, 1.0))


def precision_at_share(y: np.ndarray, score: np.ndarray, share: float) -> float:
    """The rate among the highest `share` of rows; of those that tie at the edge, the part that is needed."""
    import numpy as np

    wanted = share * len(y)
    if wanted <= 0:
        return float("nan")
    lost, kept = _by_score(y, score)
    sizes = lost + kept
    before = np.cumsum(sizes) - sizes
    taken = np.clip(wanted - before, 0, sizes)
    return float((lost * taken / sizes).sum() / wanted)


def ap_gain_bound(
    y: np.ndarray,
    score: np.ndarray,
    against: np.ndarray,
    *,
    confidence: float,
    rounds: int,
    seed: int,
) -> float:
    """The lower bound of average_precision(score) - average_precision(against) at one-sided `confidence`.

    Bootstrap percentiles (Efron & Tibshirani 1993, chapter 13): customers are drawn with replacement, both
    scores on the same draws.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    rows = len(y)
    orders = [_steps(each) for each in (score, against)]
    gains = np.empty(rounds)
    for at in range(rounds):
        drawn = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
        lost, kept = drawn * y, drawn * (1 - y)
        found = [
            _average_precision(
                np.add.reduceat(lost[order], starts)[None, :], np.add.reduceat(kept[order], starts)[None, :]
            )[0]
            for order, starts in orders
        ]
        gains[at] = found[0] - found[1]
    return float(np.quantile(gains, 1 - confidence))


def is_rising(rates: Sequence[float | None]) -> bool:
    """Whether realised rates do not fall from band to band; bands nobody is in are passed over."""
    known = [rate for rate in rates if rate is not None]
    return all(low <= high for low, high in pairwise(known))


def psi(shares: Sequence[float], reference: Sequence[float], floor: float = 1e-4) -> float:
    """Population stability index of shares against reference shares, each held above `floor`."""
    import numpy as np

    now = np.maximum(np.asarray(shares, dtype=np.float64), floor)
    then = np.maximum(np.asarray(reference, dtype=np.float64), floor)
    return float(((now - then) * np.log(now / then)).sum())


def _steps(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows from the highest score to the lowest, and where in that order each new score begins."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    return order, np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))


def _by_score(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Churned and stayed at each distinct score, from the highest to the lowest."""
    import numpy as np

    order, starts = _steps(score)
    lost = np.add.reduceat(y[order].astype(np.float64), starts)
    return lost, np.diff(np.append(starts, len(y))) - lost


def _average_precision(lost: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Average precision of each row of counts per step."""
    import numpy as np

    hits, seen = np.cumsum(lost, axis=1), np.cumsum(lost + kept, axis=1)
    total = hits[:, -1]
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    found = (lost * precision).sum(axis=1)
    return np.divide(found, total, out=np.full(len(total), np.nan), where=total > 0)
