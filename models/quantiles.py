"""Mid-rank classes in a form that can be frozen, and quantiles that are always one of the values.

All of it is integer arithmetic on sorted values: the result depends on which values there are, never on the
order they came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    import numpy as np

POINTS = 1001


def mid_rank_cuts(values: np.ndarray, classes: int) -> tuple[int | None, ...]:
    """The classes - 1 cuts of the mid-rank classes of whole-numbered `values`, from low to high.

    The mid-rank of x is p(x) = (#{<x} + #{=x}/2) / N and its class min(k, floor(k*p) + 1), so equal values
    are always in one class. Cut j is the smallest value of class j + 1 or higher, None (never reached)
    where there is none. Source: definitions part 8, section 0.
    """
    import numpy as np

    distinct, counts = np.unique(values, return_counts=True)
    total = int(counts.sum())
    less = np.cumsum(counts) - counts
    # k * p = k * (2 * less + equal) / (2 * N), kept whole.
    ranks = np.minimum(classes, classes * (2 * less + counts) // (2 * total) + 1)
    cuts: list[int | None] = []
    for step in range(2, classes + 1):
        reached = np.flatnonzero(ranks >= step)
        cuts.append(int(distinct[reached[0]]) if len(reached) else None)
    return tuple(cuts)


def score(values: np.ndarray, cuts: Sequence[int | None]) -> np.ndarray:
    """1 + the number of cuts each value reaches; a cut of None is never reached. int8, row by row."""
    import numpy as np

    reachable = np.array([cut for cut in cuts if cut is not None], dtype=np.int64)
    return (1 + np.searchsorted(reachable, values, side="right")).astype(np.int8)


def nearest_rank(values: np.ndarray, share: Fraction) -> int | float:
    """The smallest of `values` that at least `share` of them do not exceed. Raises ValueError when empty."""
    import numpy as np

    if len(values) == 0:
        msg = "a quantile of no values was asked for"
        raise ValueError(msg)
    rank = -(-share.numerator * len(values) // share.denominator)
    return np.sort(values)[max(rank, 1) - 1].item()


def reference_points(values: np.ndarray, points: int = POINTS) -> tuple[float | int, ...]:
    """`points` order statistics from smallest to largest value, evenly spaced in rank; () when empty."""
    import numpy as np

    if len(values) == 0:
        return ()
    ordered = np.sort(values)
    last = points - 1
    ranks = -(-np.arange(points, dtype=np.int64) * len(values) // last)
    return tuple(ordered[np.maximum(ranks, 1) - 1].tolist())


def mid_rank(values: np.ndarray, reference: Sequence[float]) -> np.ndarray:
    """p(x) of each value, read off the stored reference points: (#{<x} + #{=x}/2) / number of points."""
    import numpy as np

    points, counts = np.unique(np.asarray(reference, dtype=np.float64), return_counts=True)
    if len(points) == 0:
        return np.full(len(values), np.nan)
    # One search, among distinct points: an even place lies between two of them, an odd one on one.
    upto = np.append(0, np.cumsum(counts))
    ranks = np.empty(2 * len(points) + 1)
    ranks[0::2], ranks[1::2] = 2 * upto, upto[:-1] + upto[1:]
    places = np.searchsorted(points, values)
    found = points[np.minimum(places, len(points) - 1)]
    return np.where(np.isnan(values), np.nan, ranks[2 * places + (found == values)] / (2 * upto[-1]))


def value_at(reference: Sequence[float], share: float, step: float = 1) -> float | None:
    """The smallest value whose mid-rank in the sorted `reference` is at least `share`; None when empty.

    Values come in whole numbers of `step`, those of the reference too. For every such x, `x >= value_at(...)`
    and `mid_rank(x) >= share` say the same, so that a rank can be stated, and replayed, in the feature's own
    units. Anything above a reference value ranks after all who have that value, so the value wanted may be
    the step above one.
    """
    import numpy as np

    points = np.unique(np.asarray(reference, dtype=np.float64))
    # Rounded, so that 0.1 + 0.2 is the double that 0.3 is read as.
    candidates = np.unique(np.concatenate([points, np.round(points + step, 9)]))
    reached = np.flatnonzero(mid_rank(candidates, reference) >= share)
    return candidates[reached[0]].item() if len(reached) else None
