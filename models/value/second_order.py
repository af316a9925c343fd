"""The time to the second order: of one-time buyers, who will come back, and when.

A cure model (Boag 1949, Journal of the Royal Statistical Society B 11, 15-53; Farewell 1982, Biometrics 38,
1041-1046): a share of all customers comes back at some time, that time being lognormal; the others never do.
Everybody counts, those who have not come back yet by not having done so until the end of their observation
(right-censored). With F the law of the time and pi the share:

    P(comes back | none until t)            = pi (1 - F(t)) / (1 - pi F(t))
    P(comes back within h | none until t)   = pi (F(t + h) - F(t)) / (1 - pi F(t))

Both fall to 0 as t grows, so nobody who came once is alive for ever. The second is well known as far ahead as
customers were watched; the share, and with it the first, only where they were watched for longer than most
take to come back. `share_error` says how well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.value.histories import HistoryInvalid
from models.value.likelihood import FitFailed, kept, lowest, standard_errors, total

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from models.value.likelihood import Loss

BOUNDS = [(-12.0, 5.3), (-12.0, 12.0), (-4.0, 3.0)]
"""Of the log odds of the share, mu less the median logarithm seen, and the logarithm of sigma.

However few are seen to stay away, one in two hundred does: no history shows that everybody will come back.
"""
NODES = 16  # of Gauss and Legendre, over the chance of coming back


@dataclass(frozen=True)
class SecondOrder:
    """The fitted law: the `share` who ever come back, and `mu` and `sigma` of ln(days) until they do.

    `share_error` is the standard error of the share (None where the likelihood does not bend), `came_back`
    how many of the `customers` did.
    """

    share: float
    mu: float
    sigma: float
    share_error: float | None
    customers: int
    came_back: int
    log_likelihood: float

    @property
    def is_bounded(self) -> bool:
        """Whether the share is the highest there can be: nobody was seen to stay away for good."""
        import math

        return self.share > 0.999 / (1 + math.exp(-BOUNDS[0][1]))

    @property
    def median_days(self) -> float:
        """Half of those who come back have done so after so many days."""
        import math

        return math.exp(self.mu)

    def later_than(self, days: np.ndarray) -> np.ndarray:
        """1 - F: of those who ever come back, the share who takes longer than `days`."""
        import numpy as np
        from scipy.special import ndtr

        with np.errstate(divide="ignore"):
            return ndtr((self.mu - np.log(days)) / self.sigma)

    def p_back(self, t: np.ndarray) -> np.ndarray:
        """The probability that who has not come back until `t` ever will."""
        waiting = self.share * self.later_than(t)
        return waiting / (1 - self.share + waiting)

    def p_back_within(self, ahead: float, t: np.ndarray) -> np.ndarray:
        """The probability that who has not come back until `t` does in the `ahead` days after it."""
        waiting = self.share * self.later_than(t)
        return (waiting - self.share * self.later_than(t + ahead)) / (1 - self.share + waiting)

    def time_to_next(self, t: np.ndarray) -> np.ndarray:
        """Days after `t` by which coming back is as likely as not to have happened; nan where it never is."""
        import numpy as np
        from scipy.special import ndtri

        later = self.later_than(t)
        half = later - (1 - self.share + self.share * later) / 2 / self.share
        with np.errstate(invalid="ignore"):
            ahead = np.exp(self.mu - self.sigma * ndtri(np.where(half > 0, half, np.nan))) - t
        return np.maximum(ahead, 0)

    def expected_purchases(
        self, ahead: float, t: np.ndarray, further: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Purchases expected in the `ahead` days after `t` of who has not come back until then.

        The second, and what follows it: `further(s, u)` is how many more are expected in the u days after a
        second purchase at s. With f the density of the time to the second,

            int_t^(t + ahead) pi f(s) / (1 - pi F(t)) * (1 + further(s, t + ahead - s)) ds,

        taken over the chance F rather than over days, in which it is smooth.
        """
        import numpy as np
        from scipy.special import ndtri

        at, weight = np.polynomial.legendre.leggauss(NODES)
        first, last = self.later_than(t), self.later_than(t + ahead)
        each = 0.0
        for node, share in zip((at + 1) / 2, weight / 2, strict=True):
            with np.errstate(invalid="ignore", over="ignore"):
                s = np.exp(self.mu - self.sigma * ndtri(first - (first - last) * node))
            s = np.clip(np.where(np.isfinite(s), s, t + ahead), np.maximum(t, 1e-9), t + ahead)
            each = each + share * (1 + further(s, t + ahead - s))
        return self.p_back_within(ahead, t) * each


def fit_second_order(
    days: np.ndarray, watched: np.ndarray, came_back: np.ndarray, known: np.ndarray | None = None
) -> SecondOrder:
    """The law by maximum likelihood over all customers, in any order.

    days       to the second order, of those who `came_back` and of whom it is `known`
    watched    days from the first order to the end of observation; who came back unknown when did within them

    Raises HistoryInvalid when a time is not above zero, FitFailed when nobody came back on a known day or the
    search ends without a maximum.
    """
    import numpy as np

    came_back = np.asarray(came_back, dtype=bool)
    exact = came_back & (True if known is None else np.asarray(known, dtype=bool))
    times = np.where(exact, days, watched).astype(np.float64)
    if not (times > 0).all():
        msg = f"{int((~(times > 0)).sum())} of {len(times)} customers have times of 0 or less; wanted none"
        raise HistoryInvalid(msg)
    if not exact.any():
        msg = f"none of {len(times)} customers came back on a known day; nothing says how long it takes"
        raise FitFailed(msg)
    groups = [exact, came_back & ~exact, ~came_back]
    counts = [np.unique(times[group], return_counts=True) for group in groups]
    # centred where the times seen are, so that the search begins near them
    ln_days, n = np.log(counts[0][0]), counts[0][1]
    centre = float(ln_days[np.searchsorted(np.cumsum(n), n.sum() / 2)])
    loss = _loss(counts, centre)
    at = lowest(loss, loss, BOUNDS, "time to the second order")
    errors = standard_errors(loss, at, len(times))
    odds, mu, ln_sigma = at.tolist()
    share = 1 / (1 + float(np.exp(-odds)))
    return SecondOrder(
        share=kept(share),
        mu=kept(mu + centre),
        sigma=kept(float(np.exp(ln_sigma))),
        share_error=None if errors is None else float(f"{errors[0] * share * (1 - share):.4g}"),
        customers=len(times),
        came_back=int(came_back.sum()),
        log_likelihood=kept(-loss(at)[0] * len(times)),
    )


def _loss(counts: list[tuple[np.ndarray, np.ndarray]], centre: float) -> Loss:
    """Minus the log-likelihood and its slope, per customer, of days told exactly, at most, and at least."""
    import numpy as np
    from scipy.special import log_ndtr

    (exact, n_exact), (upto, n_upto), (watched, n_watched) = counts
    ln_exact, ln_upto, ln_watched = (np.log(days) - centre for days in (exact, upto, watched))
    customers = sum(n.sum() for n in (n_exact, n_upto, n_watched))
    in_all = total(n_exact, np.log(exact))

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        odds, mu, ln_sigma = theta
        sigma = np.exp(ln_sigma)
        ln_share, ln_rest = -np.logaddexp(0, -odds), -np.logaddexp(0, odds)
        share = np.exp(ln_share)
        z, z_upto, z_watched = ((ln - mu) / sigma for ln in (ln_exact, ln_upto, ln_watched))
        value = (
            total(n_exact, ln_share - ln_sigma - z * z / 2) - n_exact.sum() * np.log(2 * np.pi) / 2 - in_all
        )
        ln_by = log_ndtr(z_upto)
        value += total(n_upto, ln_share + ln_by)
        # not yet back: never will be, or later
        ln_later = log_ndtr(-z_watched)
        ln_not_yet = np.logaddexp(ln_rest, ln_share + ln_later)
        value += total(n_watched, ln_not_yet)

        def density(at: np.ndarray) -> np.ndarray:
            return -at * at / 2 - np.log(2 * np.pi) / 2

        by_upto = np.exp(density(z_upto) - ln_by)  # d ln F / d z
        by_watched = np.exp(ln_share + density(z_watched) - ln_not_yet)  # - d ln(not yet) / d z
        of_share = np.exp(ln_rest)  # d ln(share) / d odds
        by_odds = (n_exact.sum() + n_upto.sum()) * of_share
        by_odds += total(n_watched, share * of_share * np.expm1(ln_later) * np.exp(-ln_not_yet))
        by_mu = total(n_exact, z) - total(n_upto, by_upto) + total(n_watched, by_watched)
        by_sigma = total(n_exact, z * z - 1) - total(n_upto, by_upto * z_upto)
        by_sigma += total(n_watched, by_watched * z_watched)
        slope = np.array([by_odds, by_mu / sigma, by_sigma])
        return -value / customers, -slope / customers

    return loss
