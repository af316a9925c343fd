"""Purchase histories as the models count them: x repeat purchases, the last at t_x, observed until t.

Customers of one history are told apart by nothing, so a likelihood is computed once for each history there is
and an expectation once for each pair (x, t): 1M customers have some 660,000 histories and 40,000 pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

TABLE = 8  # a code range of up to so many times the rows is counted in a table, which no sort beats


class HistoryInvalid(ValueError):
    """A purchase history that cannot be: the message says what was found."""


def checked(x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three as doubles. Raises HistoryInvalid where 0 <= t_x <= t, x >= 0 does not hold."""
    import numpy as np

    x, t_x, t = (np.asarray(part, dtype=np.float64) for part in (x, t_x, t))
    holds = (x >= 0) & (t_x >= 0) & (t_x <= t) & np.isfinite(t) & ((x == 0) | (t_x > 0))
    if not holds.all():
        at = int(np.flatnonzero(~holds)[0])
        msg = (
            f"{int((~holds).sum())} of {len(x)} histories cannot be, the first has x {x[at]:g}, "
            f"t_x {t_x[at]:g}, T {t[at]:g}; wanted 0 <= t_x <= T, and t_x above 0 where x is"
        )
        raise HistoryInvalid(msg)
    return x, t_x, t


def distinct(*columns: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The distinct rows of the columns in sorted order, and for each row which of them it is."""
    import numpy as np

    codes, size, decoded = _coded(columns)
    if size <= TABLE * len(codes) + 1_000_000:
        there = np.zeros(size, dtype=bool)
        there[codes] = True
        found = np.flatnonzero(there)
        place = np.empty(size, dtype=np.int64)
        place[found] = np.arange(len(found))
        return decoded(found), place[codes]
    found, which = np.unique(codes, return_inverse=True)
    return decoded(found), which


def counted(*columns: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The distinct rows of the columns in sorted order, and how often each is there, as doubles."""
    import numpy as np

    codes, _, decoded = _coded(columns)
    found, counts = np.unique(codes, return_counts=True)
    return decoded(found), counts.astype(np.float64)


def _coded(columns):
    """One whole number per row, rising as the rows do; how many there can be; and the columns of a number."""
    import numpy as np

    codes, size, parts = np.zeros(len(columns[0]), dtype=np.int64), 1, []
    for column in columns:
        values, place = _places(column)
        codes = codes * len(values) + place
        size *= len(values)
        parts.append(values)
    if size >= 2**62:
        msg = (
            f"{len(codes)} rows of {len(columns)} columns have {size} combinations, more than a number holds"
        )
        raise OverflowError(msg)

    def decoded(found):
        rows = []
        for values in reversed(parts):
            found, place = np.divmod(found, len(values))
            rows.append(values[place])
        return tuple(reversed(rows))

    return codes, size, decoded


def _places(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values in rising order, every value of `column` among them, and where each row's stands."""
    import numpy as np

    if len(column) and column.min() >= 0 and column.max() < TABLE * len(column) + 1_000:
        whole = column.astype(np.int64)
        if (whole == column).all():
            return np.arange(int(whole.max()) + 1, dtype=np.float64), whole
    return np.unique(column, return_inverse=True)
