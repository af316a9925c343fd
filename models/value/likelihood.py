"""Maximum likelihood over very many histories: where a likelihood is highest, found in few looks at all rows.

The search starts on a part of the rows, every k-th of them in their sorted order. There it learns the maximum
to within a few standard errors, and the curvature; from that start, in coordinates in which the likelihood is
about as steep in every direction, all rows need to be looked at about eight times. Such coordinates also lead
down the long flat ridges of amounts that hardly vary.

Sums are numpy's own, never BLAS: those differ with the number of threads, and equal data shall be equal
bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]

ROUGH = 20_000  # rows of the part that is searched first
NEAR = 1e-8  # of the maximum, per customer, where rounding lets the search come no nearer
FLAT = 1e-6  # steepest slope, per customer and unit of a parameter's logarithm, that counts as a maximum
DIGITS = 10  # that are kept of a parameter: beyond them lies the last place of a logarithm


class FitFailed(ArithmeticError):
    """The likelihood has no maximum within reach; the message says where the search stood."""


def total(weights: np.ndarray, values: np.ndarray) -> float:
    """The sum of weights times values, the same on any number of threads."""
    return float((weights * values).sum())


def part(rows: int) -> slice:
    """Which of so many sorted rows are searched first: about ROUGH of them, spread evenly."""
    return slice(None, None, max(rows // ROUGH, 1))


def lowest(loss: Loss, rough: Loss, bounds: list[tuple[float, float]], name: str) -> np.ndarray:
    """Where `loss` (value and slope, per customer) is lowest within `bounds`, begun on the likes of it.

    Raises FitFailed when it is not flat there, other than towards a bound.
    """
    import numpy as np
    from scipy.optimize import minimize

    low, high = np.array(bounds).T
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}

    def search(function: Loss, start: np.ndarray, within: list[tuple[float, float]] | None) -> np.ndarray:
        found = minimize(function, start, jac=True, method="L-BFGS-B", bounds=within, options=options)
        return found.x

    at = search(rough, np.clip(np.zeros(len(bounds)), low, high), bounds)
    if rough is not loss and not ((at - low > 1) & (high - at > 1)).all():
        at = search(loss, at, bounds)  # the part may have run into a bound where the whole does not
    free = (at > low) & (at < high)
    steps = _even_steps(rough, at, free)
    if steps is not None:
        start = at.copy()

        def moved(u: np.ndarray) -> np.ndarray:
            theta = start.copy()
            theta[free] += steps @ u
            return np.clip(theta, low, high)

        def even(u: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = loss(moved(u))
            return value, steps.T @ slope[free]

        at = moved(search(even, np.zeros(int(free.sum())), None))
    elif rough is not loss:
        at = search(loss, at, bounds)
    value, slope = loss(at)
    # what pushes against a bound is held by it
    free = ~(((at <= low) & (slope > 0)) | ((at >= high) & (slope < 0)))
    if not (np.isfinite(value) and _gain_left(rough, at, slope, free) <= NEAR):
        msg = f"{name}: not flat where the search ended: slope {slope.tolist()} at {at.tolist()}"
        raise FitFailed(msg)
    return at


def _gain_left(loss: Loss, at: np.ndarray, slope: np.ndarray, free: np.ndarray) -> float:
    """How much lower `loss` gets, by its slope and bend: steep is still near where it bends sharply."""
    import numpy as np

    if np.abs(np.where(free, slope, 0)).max() <= FLAT:
        return 0.0
    steps = _even_steps(loss, at, free)
    return np.inf if steps is None else float(((steps.T @ slope[free]) ** 2).sum() / 2)


def kept(number: float) -> float:
    """A fitted number to DIGITS significant digits."""
    return float(f"{number:.{DIGITS}g}")


def standard_errors(loss: Loss, at: np.ndarray, customers: float) -> np.ndarray | None:
    """Of each parameter at the maximum, from the curvature there; None where there is none to speak of."""
    import numpy as np

    bend = _curvature(loss, at) * customers
    if not np.isfinite(bend).all() or np.linalg.eigvalsh(bend).min() <= 0:
        return None
    return np.sqrt(np.diag(np.linalg.inv(bend)))


def _curvature(loss: Loss, at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Second derivatives of `loss`, as central differences of its slope."""
    import numpy as np

    bend = np.array(
        [(loss(at + move)[1] - loss(at - move)[1]) / (2 * step) for move in np.eye(len(at)) * step]
    )
    return (bend + bend.T) / 2


def _even_steps(loss: Loss, at: np.ndarray, free: np.ndarray) -> np.ndarray | None:
    """A basis of the free ones in which `loss` bends by about one everywhere; None where it does not."""
    import numpy as np

    bend = _curvature(loss, at)[np.ix_(free, free)]
    if not free.any() or not np.isfinite(bend).all():
        return None
    strength, directions = np.linalg.eigh(bend)
    if strength.min() <= strength.max() * 1e-10:
        return None
    return directions / np.sqrt(strength)
